"""Rows of files, found by path, URL or glob."""

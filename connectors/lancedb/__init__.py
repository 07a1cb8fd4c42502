"""A table of LanceDB: written by key, searched by vector."""

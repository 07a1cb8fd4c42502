"""A table as a folder of Parquet files, written by key."""

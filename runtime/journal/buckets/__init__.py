"""Stores in buckets: what they have in common, and what S3, Google Cloud Storage and Azure do each in their own way."""

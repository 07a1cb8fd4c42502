"""What is checked of a pipeline, one rule a file."""

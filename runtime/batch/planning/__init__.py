"""What is to be done: the source against what is known of it."""

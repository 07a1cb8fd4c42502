"""What the loops of these specs decide."""

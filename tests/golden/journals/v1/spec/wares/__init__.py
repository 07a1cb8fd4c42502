"""What the journals of format v1 ran. Change nothing here: they must be replayed with what they were made of."""

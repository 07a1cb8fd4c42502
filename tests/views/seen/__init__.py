"""What the specs of these tests use."""

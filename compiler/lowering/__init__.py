"""The pipeline, lowered to a plan; plans as text and as drawings."""

"""The code that a fleet of runs begins with; tests edit a copy."""

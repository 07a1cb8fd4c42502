"""Jobs over many rows: plan of work, waves, sink."""

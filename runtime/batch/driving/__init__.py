"""The driver's side of a job: waves, the sink, what is recorded at the end."""

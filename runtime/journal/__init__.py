"""Where runs and jobs are kept: object names, stores, logs."""

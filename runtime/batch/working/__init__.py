"""The work on one shard: in a Beam worker, and in its child process."""

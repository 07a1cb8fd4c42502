"""Where sessions, processes and workers share what they know of a provider's limits."""

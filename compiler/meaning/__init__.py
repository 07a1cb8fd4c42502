"""What a spec means: names bound, callables known, types on every wire."""

"""A shop's catalogue: cleaned, sorted into categories, and made searchable by meaning."""

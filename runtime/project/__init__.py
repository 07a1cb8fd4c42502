"""A spec's folder: reading files, inspecting callables, darner.toml."""

"""The promises of connectors, one function each."""

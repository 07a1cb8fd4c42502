"""MCP servers: started or reached for a run, compared with what the spec says of them, ended with it."""

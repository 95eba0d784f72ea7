"""What agents may ask: a read-only MCP server over the published tables. Knows no other package but its errors."""

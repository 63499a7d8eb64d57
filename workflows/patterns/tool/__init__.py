"""Models that look things up, write programs and call tools."""

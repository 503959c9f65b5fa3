"""The HTTP API: text in, use case, text out."""

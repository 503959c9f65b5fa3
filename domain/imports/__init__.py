"""Members who are brought in from files."""

"""The `moothall` command, run for real on SQLite in a folder of its own."""

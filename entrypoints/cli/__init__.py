"""The `moothall` command: one file a noun. It calls the same use cases as HTTP does, offline on the database."""

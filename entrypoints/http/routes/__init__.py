"""One file a capability."""

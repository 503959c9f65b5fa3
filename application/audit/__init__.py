"""The audit trail: written with each change, sealed afterwards, read and verified."""

"""Webhooks: what happens here is told to other services, as they asked for it."""

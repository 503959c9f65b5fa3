"""Webhooks: who subscribed to what, and how it gets there."""

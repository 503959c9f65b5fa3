"""Saving an installation, and bringing it back: between the engines, over revisions, and when something goes wrong."""

"""Bringing members in from files."""

"""Doing jobs, and seeing to it that they are done."""

"""Rooms in which members talk, and what a live connection is opened with."""

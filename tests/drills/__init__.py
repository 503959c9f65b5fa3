"""Drills: faults on purpose, at many instants, and a count of how often what we promise held.

`make drills` runs them long and prints a table; tests/faults/test_drills.py runs each one in a short form. Every drill
is seeded: the same seed gives the same instants.
"""

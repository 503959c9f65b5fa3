"""Drills: faults and races on purpose, at many instants, and a count of how often what we promise held.

`make drills` runs them long and prints a table; tests/faults runs in a short form those that measure no time. Every
drill is seeded: the same seed gives the same instants.
"""

"""Benchmarks: Moothall and its peers, started on the same machine, measured in interleaved rounds, compared as ratios.

Run with `python -m tests.benchmarks`. Nothing here can fail the build: a figure is read by people.
"""

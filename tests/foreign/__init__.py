"""Members exported from other systems, and the program that makes the exports (`python -m tests.foreign`).

The exports are committed; no test makes them. What every file holds stands in `exports/README.md`.
"""

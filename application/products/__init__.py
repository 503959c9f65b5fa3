"""The catalogue: what readers see of it, and what administrators do with it."""

"""Servers to compare with; each file stands alone, as it runs in another environment than the benchmark."""

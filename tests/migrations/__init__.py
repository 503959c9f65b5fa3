"""The tables: forwards, back, and in agreement with the code."""

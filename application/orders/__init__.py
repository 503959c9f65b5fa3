"""Placing orders, paying them, and what becomes of them."""

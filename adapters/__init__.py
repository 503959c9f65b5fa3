"""What stands behind the ports: stores, hashing, tokens, clocks. Only the composition root imports from here."""

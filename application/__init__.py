"""What the product does: use cases, and the ports that they need. Standard library and domain only."""

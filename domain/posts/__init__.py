"""Posts: what members write."""

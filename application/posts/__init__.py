"""What members write, and who reads it."""

"""What members show of themselves."""

"""What members order, and how it is paid."""

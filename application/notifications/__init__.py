"""What members are told within the product."""

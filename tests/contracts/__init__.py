"""What every store has to do alike; one suite, run on all of them."""

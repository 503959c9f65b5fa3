"""What is true of members, whatever the technology: pure, synchronous, standard library only."""

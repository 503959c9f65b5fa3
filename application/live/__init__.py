"""What members see as it happens: their notifications and jobs, and rooms to talk in."""

"""What every adapter of a port has to do, as classes of tests: subclass one, and hand it your adapter in a fixture."""

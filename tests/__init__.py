"""The tests; none of this is part of the wheel."""

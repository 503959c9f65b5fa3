"""What testers import: the whole service in memory, fixtures for pytest, and the contracts that adapters keep."""

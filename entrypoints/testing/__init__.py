"""The whole service in memory, and what a tester has a hand on: its clock, its mails, its faults."""

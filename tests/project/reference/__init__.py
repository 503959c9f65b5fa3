"""The pages of docs/reference, written from the code: `python -m tests.project.reference`, or `make docs`."""

"""What only a real browser can tell; run by `make test-browser`."""

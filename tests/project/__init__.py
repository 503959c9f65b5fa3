"""What surrounds the code: the container files, the settings' example, the README, the wheel, the vendored assets."""

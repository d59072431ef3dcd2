"""Image and animation files from arrays."""

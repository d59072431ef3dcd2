"""Training: the loop, its state, requests to it, and the process it runs in."""

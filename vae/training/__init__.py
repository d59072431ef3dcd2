"""Training: the loop, what it saves and obeys, and the process it runs in."""

"""The network, its losses, and their gradient written out by hand (torch)."""

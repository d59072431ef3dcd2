"""The network as torch modules and as plain data, its losses, and their hand-written gradient."""

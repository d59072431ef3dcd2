"""Run directories: the format of their files, reading and writing them, listing and packing runs."""

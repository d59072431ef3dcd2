"""The command line: commands, and progress and results in a terminal."""

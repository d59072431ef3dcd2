"""Data sets as arrays in memory, and pictures from files brought to the form of a data set."""

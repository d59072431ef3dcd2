"""Evaluation of a run on its test set, and published results to compare it with."""

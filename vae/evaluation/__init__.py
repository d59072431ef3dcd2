"""Evaluation of a run on its test set, beside published figures."""

"""Atomic writes, reads of untrusted files with limits, and locks."""

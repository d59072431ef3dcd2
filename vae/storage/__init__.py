"""Atomic writes, reads of untrusted files with limits, locks, named folders, differences of systems."""

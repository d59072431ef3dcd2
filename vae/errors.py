"""The one error that reaches a person."""


class VaeError(Exception):
    """Something a person can mend. Its message is the whole sentence they read, and says what to do."""

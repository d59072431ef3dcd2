"""The one error that reaches a person."""


class VaeError(Exception):
    """Something a person can mend. Its message is the whole sentence they read, and says what to do."""


LONGEST = 60  # characters


def shortened(text: str) -> str:
    """What somebody typed, or an address says, no longer than a sentence can quote it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

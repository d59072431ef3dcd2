"""What went wrong, as a sentence on the page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from pydantic import ValidationError

from vae import VaeError
from vae.config import explain

USER_ERRORS = (VaeError, OSError, ValidationError)


# What Markdown marks up. A dash or a number only where a list could begin: names keep theirs in addresses.
_MARKS = re.compile(r"[\\`*_{}\[\]()<>#+!|$~:&^=]|(?<!\S)-|(?<=\d)\.(?!\S)")
# What Streamlit (1.67) turns into links, icons and arrows after the escapes are read, which so do not help:
# https://a.b, www.a.b, a@b.c, :material/home:, :streamlit:, and ->, --, >= and the like that stand alone.
_TURNED = re.compile(
    r"(?<=:)(?=//|material[/_]|streamlit:)|(?<=www)(?=\.)|(?<=@)(?=\S)"
    r"|(?<=(?<!\S)[-<>~])(?=[-=>]{1,2}(?!\S))",
    re.IGNORECASE,
)
WORD_JOINER = "\u2060"  # neither seen nor a place to break a line


def escape_markdown(text: str) -> str:
    """A text as Markdown that shows it letter by letter: it may hold what came from a file or an address.

    Lines are joined, as some marks begin with one.
    """
    return _MARKS.sub(r"\\\g<0>", _TURNED.sub(WORD_JOINER, " ".join(text.split())))


def error_text(error: VaeError | OSError | ValidationError) -> str:
    """What a person can mend, as Markdown."""
    if isinstance(error, OSError):
        return escape_markdown(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.")
    return escape_markdown(explain(error) if isinstance(error, ValidationError) else str(error))


@contextmanager
def show_errors() -> Iterator[None]:
    """Ends what stands in the block with a sentence, where a person can mend what went wrong.

    A fragment runs alone when it is clicked or polled, so each needs this around it, as the page does.
    """
    try:
        yield
    except USER_ERRORS as error:
        st.error(error_text(error))

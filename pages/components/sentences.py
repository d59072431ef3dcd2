"""What went wrong, as a sentence on the page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from pydantic import ValidationError

from vae.config import explain
from vae.errors import VaeError

MENDABLE = (VaeError, OSError, ValidationError)


def plain(text: str) -> str:
    """A text as Markdown that shows it letter by letter: it may hold what came from a file or an address."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|$~:-])", r"\\\1", text)


def sentence(error: VaeError | OSError | ValidationError) -> str:
    """What a person can mend, as Markdown."""
    if isinstance(error, OSError):
        return plain(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.")
    return plain(explain(error) if isinstance(error, ValidationError) else str(error))


@contextmanager
def sentences() -> Iterator[None]:
    """Ends what stands in the block with a sentence, where a person can mend what went wrong.

    A fragment runs alone when it is clicked or polled, so each needs this around it, as the page does.
    """
    try:
        yield
    except MENDABLE as error:
        st.error(sentence(error))

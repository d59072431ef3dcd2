"""What went wrong, as a sentence on the page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from vae.errors import VaeError


def plain(text: str) -> str:
    """A text as Markdown that shows it letter by letter: it may hold what came from a file or an address."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|$~:-])", r"\\\1", text)


@contextmanager
def sentences() -> Iterator[None]:
    """Ends what stands in the block with a sentence, where a person can mend what went wrong.

    A fragment runs alone when it is clicked or polled, so each needs this around it, as the page does.
    """
    try:
        yield
    except VaeError as error:
        st.error(plain(str(error)))
    except OSError as error:
        st.error(plain(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}."))

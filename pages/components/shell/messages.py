"""Error messages on the page, and escaping of text for Markdown."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from pydantic import ValidationError

from vae import VaeError
from vae.config import explain
from vae.datasets.registry import MissingDataError

USER_ERRORS = (VaeError, OSError, ValidationError)

# Characters that Markdown interprets. A dash or a number only where a list could begin, so that names with
# hyphens stay as they are.
_MARKS = re.compile(r"[\\`*_{}\[\]()<>#+!|$~:&^=]|(?<!\S)-|(?<=\d)\.(?!\S)")
# What Streamlit (1.67) replaces by links, icons and arrows after the escapes are read, so that escaping does
# not help: https://a.b, www.a.b, a@b.c, :material/home:, :streamlit:, and ->, --, >= and the like that stand
# alone.
_REPLACED = re.compile(
    r"(?<=:)(?=//|material[/_]|streamlit:)|(?<=www)(?=\.)|(?<=@)(?=\S)"
    r"|(?<=(?<!\S)[-<>~])(?=[-=>]{1,2}(?!\S))",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(`python -m vae [^`]*`)")
WORD_JOINER = "\u2060"  # invisible, and no place for a line break


def escape_markdown(text: str) -> str:
    """Markdown that shows `text` literally, which may come from a file or the URL.

    Lines are joined, as some marks count at the start of a line only.
    """
    return _escaped(" ".join(text.split()))


def _escaped(line: str) -> str:
    return _MARKS.sub(r"\\\g<0>", _REPLACED.sub(WORD_JOINER, line))


def message_markdown(text: str) -> str:
    """`escape_markdown` of a message of our own, but with its commands between backticks as code."""
    parts = _COMMAND.split(" ".join(text.split()))
    return "".join(part if _COMMAND.fullmatch(part) else _escaped(part) for part in parts)


def error_text(error: VaeError | OSError | ValidationError) -> str:
    """The message of an error that users can act on, as Markdown."""
    if isinstance(error, OSError):
        return escape_markdown(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.")
    return message_markdown(explain(error) if isinstance(error, ValidationError) else str(error))


@contextmanager
def show_errors() -> Iterator[None]:
    """Shows a message in place of the rest of the block when one of `USER_ERRORS` is raised.

    A built-in data set that is not there is downloaded or drawn, with the progress in place of the message. A
    fragment runs alone when it is clicked or polled, so each needs this around it, as the page does.
    """
    try:
        yield
    except MissingDataError as error:
        from pages.components.shell.downloads import show_download  # which needs this module

        if error.obtainable:
            show_download(error.dataset)
        else:
            st.error(error_text(error))
    except USER_ERRORS as error:
        st.error(error_text(error))

"""What the server does when it starts, in the background, so that its first visitor does not wait for it.

Who comes earlier waits for what is needed, and no longer.
"""

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from pages.components.shell import server_process
from pages.components.shell.streamlit_patches import list_no_pages_folder

# In the order in which visitors want them.
PAGES = ("latent", "train", "reconstructions", "compare", "learn", "data")
THREAD = "warm-up"
# Of this thread Streamlit warns that what is cached while there is no page cannot say so on one.
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(
    lambda record: record.threadName != THREAD
)
_one_at_a_time = threading.RLock()


def imported(name: str) -> ModuleType:
    """The module of this name, imported if it was not yet.

    One thread at a time: two that first import modules which need each other can both find half a module.
    """
    with _one_at_a_time:
        return import_module(name)


@asynccontextmanager
async def warm_up(_app: Any) -> AsyncIterator[None]:
    """For `streamlit.App`: called when the server starts, before it answers."""
    list_no_pages_folder()
    server_process.return_freed_memory()
    server_process.send_small_answers_at_once()  # Streamlit has opened its port by now
    # A daemon thread does not delay the end of the server.
    threading.Thread(target=prepare, name=THREAD, daemon=True).start()
    yield


def prepare() -> None:
    """Imports all pages, and has the first one prepare what its first visitor would wait for."""
    steps: list[Callable[[], object]] = [
        server_process.compute_in_one_thread,
        partial(imported, "pages.components.shell.navigation"),
        *(partial(imported, f"pages.{page}") for page in PAGES),
        lambda: imported("pages.latent").prepare(),
        partial(imported, "pandas"),  # for the table of runs; last, as the map does without
    ]
    for step in steps:
        try:
            step()
        # Whatever it is, the page that needs it meets it again, and says what to do.
        except Exception as error:  # noqa: BLE001
            logging.getLogger(__name__).info("The server did not warm up: %s", error)

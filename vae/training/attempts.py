"""The attempts of `torchrun --max-restarts`, which starts its command again when a worker has died."""

import os
from collections.abc import Callable

from vae import VaeError
from vae.runs.catalogue import open_run
from vae.runs.run import Run

_KEY = "vae/run"


def made_once(make: Callable[[], Run]) -> Run:
    """The run that `make` makes, which later attempts of the same torchrun find and do not make again.

    Its path is kept in torchrun's store, which lasts as long as torchrun. Raises VaeError if there is none.
    """
    if os.environ.get("TORCHELASTIC_MAX_RESTARTS", "") in ("", "0"):
        return make()
    from vae.training.distributed import agent_store

    store = agent_store()
    if store is None:
        raise VaeError(
            "torchrun starts this again after a failure (--max-restarts), and --again would then make a "
            "further run each time: the store of torchrun, which could say so, is missing. Leave --again "
            "out, and give the run a --name of its own."
        )
    if store.check([_KEY]):
        return open_run(store.get(_KEY).decode())
    run = make()
    store.set(_KEY, str(run.path.absolute()))
    return run

"""What the Data page may do to data sets; only the host may, where the app is open to a class."""

from pages.components.shell.access import host_only
from vae.datasets.fitting import Form
from vae.datasets.import_jobs import ImportJob, begin_import
from vae.datasets.registry import delete_dataset
from vae.datasets.sources import Source
from vae.training.downloads import begin_download


@host_only
def obtain(dataset: str) -> None:
    """Begins to draw or download a built-in data set."""
    begin_download(dataset)


@host_only
def delete(dataset: str) -> None:
    """Deletes a data set for good. Raises VaeError if that cannot be."""
    delete_dataset(dataset)


@host_only
def add(source: Source, form: Form, name: str, test_share: float) -> ImportJob:
    """Begins an import. Raises VaeError as `begin_import`."""
    return begin_import(source, form, name, test_share)


@host_only
def cancel(job: ImportJob) -> None:
    """Cancels an import."""
    job.cancel()

"""Snapshots as the browser reads them, beside what Python reads of the same files."""

import base64
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from vae.models.layers import decoder_shapes
from vae.runs.checkpoints import load_snapshot, save_snapshot
from vae.runs.run import Run

pytestmark = pytest.mark.browser

READ = """async ([content, names]) => {
    const { makeSnapshot } = await import("/stores/moments/snapshot.js");
    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
    const snapshot = makeSnapshot(bytes.buffer);
    return names.map((each) => [...snapshot.tensors(each)]);
}"""


def test_float16_and_int8_are_read_as_python_reads_them(
    bare_page: Page, trained: Run, wide: Run, tmp_path: Path
) -> None:
    path, packed = (tmp_path / name / "00000001.safetensors" for name in ("half", "packed"))
    for run in (trained, wide):
        snapshot = load_snapshot(run.snapshots()[2], run.config)
        for file in (path, packed):
            file.parent.mkdir(exist_ok=True)
            save_snapshot(file, snapshot, packed=file == packed)
            found = load_snapshot(file, run.config)
            names = [[*decoder_shapes(run.config)], ["mean"], ["logvar"], ["reconstructions"]]
            read = bare_page.evaluate(READ, [base64.b64encode(file.read_bytes()).decode(), names])
            weights = np.concatenate([found.decoder[name].ravel() for name in names[0]])
            expected = [weights, found.mean, found.logvar, found.reconstructions]
            for ours, theirs in zip(read, expected, strict=True):
                # A number in float16 times one in int8 has no more digits than float32.
                np.testing.assert_array_equal(np.array(ours, np.float32), theirs.ravel().astype(np.float32))

"""Where things of the project lie."""

from pathlib import Path

from vae.config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app.py"
# MNIST, and the run that comes with the project.
PACKED = ROOT / "data" / "mnist"
BUNDLED = ROOT / "checkpoints" / TrainConfig.preset("best").run_name

"""The configuration of a run: one frozen, validated object, with bounds and a description for every field.

The command line's flags and the form on the Train page are made from it.
"""

import hashlib
import json
import re
import reprlib
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vae import VaeError
from vae.storage.untrusted import MAX_QUOTED, shortened

# The built-in data sets: channels and side of their pictures. Those of others stand in their dataset.json.
BUILT_IN: dict[str, tuple[int, int]] = {
    "mnist": (1, 28),
    "sprites": (1, 28),
    "sprites-colour": (3, 32),
    "fashion-mnist": (1, 28),
    "kmnist": (1, 28),
    "emnist-digits": (1, 28),
    "emnist-letters": (1, 28),
    "emnist-balanced": (1, 28),
    "cifar-10": (3, 32),
}
# Characters: the name of a run, which begins with that of its data set, has at most 80.
MAX_DATASET_NAME = 28
DATASET_NAME = re.compile(f"[a-z0-9](?:[a-z0-9-]{{0,{MAX_DATASET_NAME - 2}}}[a-z0-9])?")
Device = Literal["auto", "cpu", "cuda", "mps"]
MAX_LATENT_DIM = 64
MIN_SIDE, MAX_SIDE = 8, 64  # pixels
MAX_CLASSES = 200
PresetName = Literal["small", "quick", "blog", "best"]
Width = Annotated[int, Field(ge=1, le=4096)]
LearningRate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

Threads = Annotated[int, Field(ge=1, le=1024)]

# Where and how fast a run is computed does not change which run it is.
EXECUTION_FIELDS = frozenset({"device", "threads"})
# What follows from the data set.
DATA_FIELDS = frozenset({"channels", "side", "contents"})


class TrainConfig(BaseModel):
    """Network, data set and training of a run.

    The form on the Train page shows the fields whose metadata have a `group`, under that heading. A click
    changes a number by `step`, or by a tenth of its distance to `step_towards`.

    Construction raises `pydantic.ValidationError` (a `ValueError`) for a value out of bounds;
    `explain` turns it into text for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str = Field(
        "mnist",
        pattern=f"^{DATASET_NAME.pattern}$",
        description="Data set, a built-in one or an imported one: small letters, digits and hyphens.",
        json_schema_extra={"group": "Data"},
    )
    channels: Literal[1, 3] = Field(
        1,
        exclude_if=lambda channels: channels == 1,
        description="Channels of the data set's pictures: 1 for grey, 3 for colour.",
    )
    side: int = Field(
        28,
        ge=MIN_SIDE,
        le=MAX_SIDE,
        exclude_if=lambda side: side == 28,
        description=f"Pixels of a side of the data set's pictures, {MIN_SIDE} to {MAX_SIDE}.",
    )
    contents: str = Field(
        "",
        pattern="^([0-9a-f]{16})?$",
        exclude_if=lambda contents: not contents,
        description="A hash of an imported data set's contents; empty for a built-in one.",
    )
    latent_dim: int = Field(
        2,
        ge=1,
        le=MAX_LATENT_DIM,
        description=f"Size of the latent space, 1 to {MAX_LATENT_DIM}.",
        json_schema_extra={"group": "Network", "step": 1},
    )
    hidden_dims: tuple[Width, ...] = Field(
        (256, 256, 256),
        min_length=1,
        max_length=8,
        description="Widths of the encoder's hidden layers, each 1 to 4096; the decoder mirrors them.",
        json_schema_extra={"group": "Network"},
    )
    network: Literal["plain", "residual", "conv"] = Field(
        "plain",
        # Defaults of fields that were added later are left out, so that older runs keep their names.
        exclude_if=lambda network: network == "plain",
        description="plain: layers one after the other; residual: skip connections over layers of equal "
        "width, a sine as the decoder's first activation, and no posterior wider than the prior; conv: "
        "convolutions before the dense layers and after those of the decoder, for photographs and colours.",
        json_schema_extra={"group": "Network"},
    )
    width: int = Field(
        16,
        ge=1,
        le=256,
        exclude_if=lambda width: width == 16,
        description="Channels of the first convolution of a conv network, 1 to 256; each halving of the "
        "picture doubles them, up to 128.",
        json_schema_extra={"group": "Network", "step": 4},
    )
    activation: Literal["relu", "silu", "gelu", "tanh"] = Field(
        "silu", description="Non-linearity after each hidden layer.", json_schema_extra={"group": "Network"}
    )
    epochs: int = Field(
        7,
        ge=1,
        le=10_000,
        description="Passes over the training images, 1 to 10000.",
        json_schema_extra={"group": "Training", "step": 1},
    )
    batch_size: int = Field(
        128,
        ge=1,
        le=8192,
        description="Images per optimiser step, 1 to 8192.",
        json_schema_extra={"group": "Training", "step": 1},
    )
    learning_rate: LearningRate = Field(
        3e-3,
        description="Peak learning rate of Adam, above 0, at most 1.",
        json_schema_extra={"group": "Training", "step_towards": 0},
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine",
        description="Learning rate over time: constant, or 5% linear warm-up then cosine to 0.",
        json_schema_extra={"group": "Training"},
    )
    restarts: tuple[int, ...] = Field(
        (),
        exclude_if=lambda restarts: not restarts,
        description="Epochs at which schedule and optimiser start anew, rising; Train longer makes them.",
    )
    adam_beta2: float = Field(
        0.999,
        ge=0.5,
        lt=1,
        exclude_if=lambda beta2: beta2 == 0.999,
        description="How much of Adam's mean of squared gradients each step keeps, 0.5 to below 1.",
        json_schema_extra={"group": "Training", "step_towards": 1},
    )
    pixel_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        exclude_if=lambda share: share == 0,
        description="Share of the pixels that the encoder does not see in training, 0 to below 1.",
        json_schema_extra={"group": "Training", "step": 0.05},
    )
    likelihood: Literal["bernoulli", "gaussian"] = Field(
        "bernoulli",
        exclude_if=lambda likelihood: likelihood == "bernoulli",
        description="p(x|z): bernoulli for drawings that are nearly black and white, such as digits; "
        "gaussian, of one standard deviation that is fitted, for photographs and colours.",
        json_schema_extra={"group": "Training"},
    )
    kl_warmup: float = Field(
        0.0,
        ge=0,
        le=10_000,
        exclude_if=lambda epochs: epochs == 0,
        description="Epochs over which beta rises from 0 to its value, 0 to 10000.",
        json_schema_extra={"group": "Training", "step": 0.5},
    )
    free_bits: float = Field(
        0.0,
        ge=0,
        le=10,
        exclude_if=lambda nats: nats == 0,
        description="Nats of KL in each latent dimension that cost nothing, 0 to 10; more than 0 keeps "
        "dimensions in use.",
        json_schema_extra={"group": "Training", "step": 0.05},
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        exclude_if=lambda precision: precision == "float32",
        description="What matrix products in training round their factors to; bfloat16 where that is fast.",
        json_schema_extra={"group": "Machine"},
    )
    beta: Beta = Field(
        1.0,
        description="Weight of the KL term, 0 to 100; 1 is the ELBO.",
        json_schema_extra={"group": "Training", "step": 0.5},
    )
    seed: int = Field(
        1,
        ge=0,
        lt=2**32,
        description="Seed of weights, shuffling and noise, 0 to 4294967295.",
        json_schema_extra={"group": "Training", "step": 1},
    )
    device: Device = Field(
        "auto",
        description="Where to compute; auto takes CUDA, then MPS, then the CPU.",
        json_schema_extra={"group": "Machine"},
    )
    threads: Threads | Literal["auto"] = Field(
        "auto",
        description="CPU threads, 1 to 1024, at most one a core; auto measures which count is fastest.",
        json_schema_extra={"group": "Machine"},
    )

    @model_validator(mode="before")
    @classmethod
    def _take_built_in_format(cls, fields: Any) -> Any:
        """Fills in channels and side of a built-in data set."""
        if isinstance(fields, dict) and (known := _built_in_form(fields.get("dataset", "mnist"))):
            return {"channels": known[0], "side": known[1]} | fields
        return fields

    @field_validator("hidden_dims", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        """Accepts widths separated by commas as well as by spaces."""
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts):
            return [part for text in texts for part in text.replace(",", " ").split()]
        return value

    @model_validator(mode="after")
    def _check_format(self) -> Self:
        known = BUILT_IN.get(self.dataset, (self.channels, self.side))
        if (self.channels, self.side) != known or (self.contents and self.dataset in BUILT_IN):
            raise ValueError(f"the pictures of {self.dataset} have {known[0]} channels and side {known[1]}")
        return self

    @model_validator(mode="after")
    def _check_restarts(self) -> Self:
        bounds = (0, *self.restarts, self.epochs)
        if any(later <= earlier for earlier, later in pairwise(bounds)):
            raise ValueError(f"restarts must rise from 1 to {self.epochs - 1}, below epochs")
        return self

    @classmethod
    def preset(cls, name: PresetName, **changes: Any) -> Self:
        """The config of the preset `name`, as it suits the data set, with some fields changed.

        Args:
            changes: fields, among them those of an imported data set (`vae.datasets.registry.form_of`).

        Raises VaeError if there is no such preset, `pydantic.ValidationError` for a value out of bounds.
        """
        if name not in PRESETS:
            raise VaeError(f"There is no preset {name!r}; there are {', '.join(PRESETS)}.")
        dataset = changes.get("dataset", "mnist")
        form = _built_in_form(dataset) or (changes.get("channels", 1), changes.get("side", 28))
        return cls.model_validate({**PRESETS[name], **_suited(name, dataset, *form), **changes})

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that distinguish runs: all but `EXECUTION_FIELDS`, as JSON values."""
        return self.model_dump(mode="json", exclude=set(EXECUTION_FIELDS))

    def extended(self, epochs: int) -> Self:
        """This config with `epochs` added at the end, where schedule and optimiser restart.

        Raises `pydantic.ValidationError` if that is out of bounds.
        """
        stages = {"epochs": self.epochs + epochs, "restarts": (*self.restarts, self.epochs)}
        return type(self).model_validate({**self.model_dump(), **stages})

    @property
    def pixels(self) -> int:
        """Values of a picture: channels · side · side."""
        return self.channels * self.side**2

    @property
    def density_values(self) -> int | None:
        """`pixels` if the likelihood is a density of values: then a loss also has bits per dimension."""
        return self.pixels if self.likelihood == "gaussian" else None

    @property
    def rates(self) -> dict[str, float]:
        """Learning rate and beta, which requests can change during a training."""
        return {"learning_rate": self.learning_rate, "beta": self.beta}

    @property
    def nearest_preset(self) -> tuple[PresetName, dict[str, Any]]:
        """The preset that shares most fields with this config, and the fields in which this one differs."""

        compared = [name for name in type(self).model_fields if name not in EXECUTION_FIELDS | DATA_FIELDS]
        differences = {
            name: {
                field: getattr(self, field)
                for field in compared
                if getattr(self, field) != ("mnist" if field == "dataset" else getattr(other, field))
            }
            for name, other in _presets_for(self.dataset, self.channels, self.side).items()
        }
        name = min(differences, key=lambda name: len(differences[name]))
        return name, differences[name]

    @property
    def run_name(self) -> str:
        """`<dataset>-<preset or sizes>-<6 hex digits>`, equal for configs of the same `identity`."""
        preset, differences = self.nearest_preset
        # Eight widths of four digits still fit into a run's name of 80 characters.
        sizes = f"{'x'.join(map(str, self.hidden_dims))}-z{self.latent_dim}"
        kind = preset if differences.keys() <= {"dataset", "seed", "epochs", "restarts"} else sizes
        canonical = json.dumps(self.identity, sort_keys=True).encode()
        return f"{self.dataset}-{kind}-{hashlib.sha256(canonical).hexdigest()[:6]}"


PRESETS: dict[PresetName, dict[str, Any]] = {
    "quick": {},  # the defaults above
    "small": {
        "hidden_dims": (128, 128, 128),
        "epochs": 5,
        "batch_size": 64,
        "learning_rate": 4e-3,
        "adam_beta2": 0.99,
    },
    # As published, except for its KL term (docs/METHOD.md).
    "blog": {
        "hidden_dims": (256, 256),
        "activation": "relu",
        "epochs": 30,
        "learning_rate": 1e-4,
        "schedule": "constant",
    },
    "best": {
        "network": "residual",
        "hidden_dims": (384, 384, 384),
        "activation": "gelu",
        "epochs": 60,
        "batch_size": 512,
        "adam_beta2": 0.99,
        "pixel_dropout": 0.1,
        "precision": "bfloat16",
    },
}


def _built_in_form(dataset: Any) -> tuple[int, int] | None:
    """Channels and side of a built-in data set; None for another name, and for what is no name."""
    return BUILT_IN.get(dataset) if isinstance(dataset, str) else None


def _suited(name: PresetName, dataset: Any, channels: Any, side: Any) -> dict[str, Any]:
    """What a preset changes for pictures of another form than MNIST's (docs/LOG.md)."""
    if dataset == "sprites":
        return {"latent_dim": 6}
    if channels == 1 and side == 28:
        return {}
    likelihood = {"likelihood": "gaussian"} if channels == 3 else {}
    if name == "blog":  # whose network is what it is for
        return likelihood
    network = {"network": "conv", "hidden_dims": (256,), "precision": "float32"}
    latent = {"latent_dim": 8} if channels == 3 else {}
    return {**likelihood, **network, **latent, **({"width": 32} if name == "best" else {})}


@cache
def _presets_for(dataset: str, channels: int, side: int) -> dict[PresetName, TrainConfig]:
    """All presets as they suit a data set."""
    form = {"dataset": dataset, "channels": channels, "side": side}
    return {name: TrainConfig.preset(name, **form) for name in PRESETS}


PRESET_DESCRIPTIONS: dict[PresetName, str] = {
    "quick": "The lowest loss found for half a minute on two cores.",
    "small": "Ten seconds on two cores, for lessons and live demonstrations.",
    "blog": "The network and optimiser of the blog post that this app grew from.",
    "best": "The lowest loss found for five minutes on two cores.",
}


MAX_EXPLAINED = 5  # fields; a file can have thousands of errors
_QUOTED = reprlib.Repr()
_QUOTED.maxstring = _QUOTED.maxother = MAX_QUOTED


def explain(error: ValidationError) -> str:
    """A validation error as text: for each field a sentence on the given value and the bound."""
    sentences: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0]) if problem["loc"] else "config"
        if field in sentences:
            continue  # a union reports an error for each of its types; the first is enough
        about = TrainConfig.model_fields.get(field)
        bound = f" {about.description}" if about else ""
        given = _QUOTED.repr(problem["input"])
        message = f"{problem['msg'][0].lower()}{problem['msg'][1:]}, not {given}."
        if about and any(word in problem["type"] for word in ("parsing", "short", "pattern")):
            message = f"{given} will not do."  # the message of pydantic is written for programmers
        sentences[field] = f"{shortened(field)}: {message}{bound}"
        if len(sentences) == MAX_EXPLAINED:
            break
    return " ".join(sentences.values())

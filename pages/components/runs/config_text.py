"""Text for a config: names of its fields, and differences from a preset or another config."""

from typing import Any

from vae.config import EXECUTION_FIELDS, TrainConfig


def field_label(name: str) -> str:
    """The name of a field as a label."""
    return name.replace("_", " ").replace("dim", "dimension").capitalize().replace("Kl ", "KL ")


def differing_fields(one: TrainConfig, other: TrainConfig) -> dict[str, tuple[str, str]]:
    """The fields in which two configs differ: both values as text, by the field's label."""
    fields = [name for name in TrainConfig.model_fields if name not in EXECUTION_FIELDS]
    if one.dataset != other.dataset:
        fields.remove("contents")  # of course these differ, too
    values = {name: (getattr(one, name), getattr(other, name)) for name in fields}
    return {field_label(name): (value_text(a), value_text(b)) for name, (a, b) in values.items() if a != b}


def value_text(value: Any) -> str:
    """A field's value as users type it."""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)

"""A config in words: the names of its fields, and how it differs from a preset or from another."""

from typing import Any

from vae.config import EXECUTION_FIELDS, TrainConfig


def field_label(name: str) -> str:
    """The name of a field in words."""
    return name.replace("_", " ").replace("dim", "dimension").capitalize()


def differing_fields(one: TrainConfig, other: TrainConfig) -> dict[str, tuple[str, str]]:
    """The values of both, in words, of each field in which two configs differ, by the field's label."""
    fields = [name for name in TrainConfig.model_fields if name not in EXECUTION_FIELDS]
    values = {name: (getattr(one, name), getattr(other, name)) for name in fields}
    return {field_label(name): (value_text(a), value_text(b)) for name, (a, b) in values.items() if a != b}


def differences_text(values: dict[str, Any]) -> str:
    """What differs from a preset, in words."""
    words = {name: f"{field_label(name).lower()} {value_text(value)}" for name, value in values.items()}
    if restarts := values.get("restarts"):
        words["restarts"] = f"trained on after epoch {' and '.join(map(str, restarts))}"
    return ", ".join(words.values())


def value_text(value: Any) -> str:
    """A field's value as a person writes it."""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)

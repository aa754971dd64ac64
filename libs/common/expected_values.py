"""What a setting that is a number or a truth has to be: kind, unit and range, in one sentence."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

UNITS = {"_ms": "milliseconds", "_seconds": "seconds", "_bytes": "bytes", "_hours": "hours"}
OF_TRUTHS = ("bool_",)
OF_NUMBERS = ("int_", "float_", "greater_than", "less_than", "finite_number")
"""How the types of pydantic's errors begin."""


def expected(settings: type[BaseSettings], error: Mapping[str, Any]) -> str | None:
    """Return what has to be there in place of what pydantic refused; None: its message says it."""
    if len(error["loc"]) != 1:
        return None
    name = str(error["loc"][0])
    field = settings.model_fields.get(name)
    if field is None:
        return None
    if error["type"].startswith(OF_TRUTHS):
        return "it has to be true or false"
    if error["type"].startswith(OF_NUMBERS):
        return f"it has to be {_number(name, field)}"
    return None


def _number(name: str, field: FieldInfo) -> str:
    whole = int in (field.annotation, *get_args(field.annotation))
    unit = next((f" of {unit}" for end, unit in UNITS.items() if name.endswith(end)), "")
    return f"{'a whole number' if whole else 'a number'}{unit}{_range(field.metadata)}"


def _range(metadata: list[Any]) -> str:
    """Say the limits without commas between thousands, for somebody is going to type one."""
    limits = {
        name: getattr(limit, name)
        for limit in metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(limit, name, None) is not None
    }
    if "ge" in limits and "le" in limits:
        return f" from {limits['ge']} to {limits['le']}"
    words = {"ge": ", at least", "gt": " above", "le": ", at most", "lt": " below"}
    return "".join(f"{words[name]} {limit}" for name, limit in limits.items())

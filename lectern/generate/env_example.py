"""Writes ``.env.example``: every variable that settings classes read, explained."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from libs.common.settings import variable

WIDTH = 98
_UNITS = {
    "_seconds": "seconds",
    "_ms": "milliseconds",
    "_bytes": "bytes",
    "_minutes": "minutes",
    "_hours": "hours",
    "_days": "days",
}


def env_example(*classes: type[BaseSettings]) -> str:
    """Return the text of ``.env.example``: a group for each class, secrets blank.

    Raises:
        ValueError: A field has no description.
    """
    groups = ["\n".join(_group(settings)) for settings in classes]
    return _INTRODUCTION + "\n\n".join(groups) + "\n"


_INTRODUCTION = """\
# Every setting, with its default. Copy this to .env and fill in what is required.
# A variable that is left empty counts as not set. Generated from the settings classes.

"""


def _group(settings: type[BaseSettings]) -> Iterator[str]:
    purpose = (settings.__doc__ or settings.__name__).strip().splitlines()[0]
    yield f"# ---- {settings.model_config.get('env_prefix', '')}* {purpose}"
    for name, field in settings.model_fields.items():
        if not field.description:
            raise ValueError(f"{settings.__name__}.{name} has no description")
        yield ""
        yield from wrap(_explained(name, field), WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{variable(settings, name)}={_default(field)}"


def _explained(name: str, field: FieldInfo) -> str:
    notes = [text for ending, text in _UNITS.items() if name.endswith(ending)]
    if choices := _choices(field.annotation):
        notes.append("one of " + ", ".join(choices))
    if field.is_required():
        notes.append(
            "required" + "".join(f", e.g. {example}" for example in (field.examples or ())[:1])
        )
    notes_in_words = f" [{'; '.join(notes)}]" if notes else ""
    return f"{field.description}{notes_in_words}"


def _choices(annotation: Any) -> list[str]:
    """Return the strings of a Literal, also of an optional one."""
    inside = get_args(annotation)
    return [argument for argument in inside if isinstance(argument, str)] + [
        choice for argument in inside if get_args(argument) for choice in _choices(argument)
    ]


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required() or value is None or _holds_secret(field.annotation):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)

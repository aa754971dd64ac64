"""What is wrong with a value, in a sentence of ours: those of a library change with its versions.

The types of errors are those of pydantic-core.
"""

from collections.abc import Mapping
from typing import Any

NOT_AS_IT_MUST_BE = "It is not as it must be."
BROKEN_JSON = "json_invalid"
NO_OBJECT = "It must be a JSON object."

_PLAIN = {
    "missing": "It is missing.",
    "extra_forbidden": "There is no such field.",
    BROKEN_JSON: "It is not JSON.",
    "json_type": "It must be JSON.",
    "model_type": NO_OBJECT,
    "model_attributes_type": NO_OBJECT,
    "dict_type": NO_OBJECT,
    "list_type": "It must be a list.",
    "tuple_type": "It must be a list.",
    "set_type": "It must be a list.",
    "string_unicode": "It must be text in UTF-8.",
    "none_required": "It must be null.",
    "finite_number": "It must be a finite number.",
}
_WITH_LIMIT = {
    "greater_than": "It must be more than {gt}.",
    "greater_than_equal": "It must be at least {ge}.",
    "less_than": "It must be less than {lt}.",
    "less_than_equal": "It must be at most {le}.",
    "multiple_of": "It must be a multiple of {multiple_of}.",
    "string_too_short": "It must have at least {min_length} characters.",
    "string_too_long": "It may have at most {max_length} characters.",
    "too_short": "It must have at least {min_length} items.",
    "too_long": "It may have at most {max_length} items.",
    "literal_error": "It must be {expected}.",
    "enum": "It must be {expected}.",
    "string_pattern_mismatch": "It must match the pattern {pattern}.",
}
_FAMILIES = {
    "string_": "It must be text.",
    "bool_": "It must be true or false.",
    "int_": "It must be a whole number.",
    "float_": "It must be a number.",
    "decimal_": "It must be a number.",
    "uuid_": "It must be a UUID.",
    "url_": "It must be a web address that begins with http:// or https://.",
    "datetime_": "It must be a moment as in RFC 3339, such as 2026-01-31T12:00:00Z.",
    "date_": "It must be a day, such as 2026-01-31.",
}
"""By how the types of errors begin."""


def sentence(error: Mapping[str, Any]) -> str:
    """Return what is wrong; ``error`` is one of pydantic's, as a dictionary with its context."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in ("value_error", "assertion_error") and "error" in context:
        return _as_sentence(str(context["error"]))
    if kind in _PLAIN:
        return _PLAIN[kind]
    try:
        return _WITH_LIMIT[kind].format_map(context)
    except KeyError:
        families = (said for begin, said in _FAMILIES.items() if kind.startswith(begin))
        return next(families, NOT_AS_IT_MUST_BE)


def _as_sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:].rstrip('.')}." if said else NOT_AS_IT_MUST_BE

"""What all views have in common: values that are shown as they are.

A view is what queries return and what the API answers, in one class. What must not be shown, such
as references to objects, is excluded from it as a field.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NO_REASON = "It did not work, and nothing more is known of why."

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""In UTC, as in RFC 3339."""


class View(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True)


class Failure(View):
    """Why something did not work: a code for machines, a sentence for people."""

    code: str
    reason: str


def failure(code: str | None, reason: str | None) -> Failure:
    """Return why something did not work; ``reason`` is None if only the code is known."""
    return Failure(code=code or "", reason=reason or NO_REASON)

"""What all views have in common: values that are shown as they are.

A view is what queries return and what the API answers, in one class. What must not be shown, such
as references to objects, is excluded from it as a field.
"""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True)


class Failure(View):
    """Why something did not work: a code for machines, a sentence for people."""

    code: str
    reason: str

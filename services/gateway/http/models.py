"""What requests and answers of all features have in common."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from libs.common.contracts.permissions import Capability

Item = TypeVar("Item")

CAPABILITY = "x-capability"
SIGNED_IN = "signed in"
"""What a route needs that is about nothing in particular: everybody who is signed in may."""


class RequestBody(BaseModel):
    """What it does not declare is a mistake of the sender."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listing(BaseModel, Generic[Item]):
    """Some of a list; ask again with ``cursor`` set to ``next`` for more, unless that is null."""

    items: Sequence[Item]
    next: str | None = None


class ProblemModel(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemModel, "description": "The request cannot be served as it is."},
    "5XX": {"model": ProblemModel, "description": "The service cannot serve it now."},
}


def needs(capability: Capability | None) -> dict[str, Any]:
    """Declare, in ``openapi_extra``, what whoever calls a route needs; None: to be signed in.

    The command or query behind the route checks it.
    """
    return {CAPABILITY: SIGNED_IN if capability is None else str(capability)}

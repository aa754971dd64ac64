"""What requests and answers of all features have in common."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.permissions import Capability

Item = TypeVar("Item")

CAPABILITY = "x-capability"

MOST_ITEMS = 1000
"""In one answer, of any list."""

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS)]
Place = Annotated[int, Query(ge=0, le=MAX_PAGES, description="As the last answer gave it.")]
Newest = Annotated[int, Query(ge=1, le=200)]
"""How many of a list that begins with the newest."""
Behind = Annotated[str | None, Query(max_length=300, description="As the last answer gave it.")]
AfterPage = Annotated[int, Query(ge=0, le=MAX_PAGES, description="List what follows it.")]


class RequestBody(BaseModel):
    """What it does not declare is a mistake of the sender."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_elsewhere: ClassVar[frozenset[str]] = frozenset()
    """Fields whose text is looked at by whoever takes it, with a sentence of its own."""

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        """Show which fields there are, and nothing of what people send."""
        return ((name, "...") for name in type(self).model_fields)

    @model_validator(mode="after")
    def _no_nul(self) -> Self:
        """Refuse U+0000, which no text has and PostgreSQL does not store."""
        for name in type(self).model_fields.keys() - self.checked_elsewhere:
            value = getattr(self, name)
            if isinstance(value, str) and "\x00" in value:
                raise ValueError(f"{name} holds U+0000, which is no text")
        return self


class Listing(BaseModel, Generic[Item]):
    """Some of a list; ask again with ``cursor`` set to ``next`` for more, unless that is null."""

    items: Annotated[Sequence[Item], Field(max_length=MOST_ITEMS)]
    next: str | None = None


def listed(items: Sequence[Item], limit: int, place: int) -> Listing[Item]:
    """Return some of a list that is at hand as a whole, from ``place`` on."""
    following = place + limit
    return Listing(
        items=items[place:following], next=str(following) if following < len(items) else None
    )


class WrongValue(BaseModel):
    """One value of a request that is not as it must be."""

    where: str
    message: str


class ProblemModel(BaseModel):
    """RFC 9457 problem details. ``errors`` are the values that are wrong, if ``code`` says so."""

    type: str = Field(json_schema_extra={"format": "uri-reference"})
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: str
    request_id: str | None = None
    trace_id: str | None = None
    errors: Annotated[list[WrongValue], Field(max_length=20)] | None = None
    more_errors: int | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemModel, "description": "The request cannot be served as it is."},
    "5XX": {"model": ProblemModel, "description": "The service cannot serve it now."},
}


OPEN_TO_ALL = "none"
"""In place of a capability: what somebody does who has no credentials yet."""


def open_to_all() -> dict[str, Any]:
    """Declare, in ``openapi_extra``, that a route asks for no credentials."""
    return {CAPABILITY: OPEN_TO_ALL}


def is_open(openapi_extra: Mapping[str, Any] | None) -> bool:
    """Tell whether a route declared that it asks for no credentials."""
    return (openapi_extra or {}).get(CAPABILITY) == OPEN_TO_ALL


def needs(capability: Capability) -> dict[str, Any]:
    """Declare, in ``openapi_extra``, what whoever calls a route needs."""
    return {CAPABILITY: str(capability)}


def needed(openapi_extra: Mapping[str, Any] | None) -> Capability:
    """Return what a route declared with :func:`needs`.

    Raises:
        TypeError: It declares nothing; nobody could call it.
    """
    if CAPABILITY not in (openapi_extra or {}):
        raise TypeError("a route that declares no capability")
    return Capability((openapi_extra or {})[CAPABILITY])

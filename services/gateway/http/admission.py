"""How many requests are answered at a time: so many of one owner, of strangers, and of all.

A request counts until its answer begins: what is being downloaded or watched takes no part in it.
Who is over the limit is told at once, for whoever waits in a queue holds memory and is late anyway.
"""

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http.problems import Refused, problem

RETRY_AFTER = {"Retry-After": "1"}
FULL = "Too much is being asked here. Try again in a moment."
KEY = "lectern.admission"
CREDENTIALS = {"authorization", "cookie"}
STRANGERS_SHARE = 8
"""Of all, who sends no credentials has one in so many; and who asks for what takes none."""


@dataclass(kw_only=True)
class Admission:
    """The requests of one process that are being answered."""

    per_owner: int
    per_process: int
    answering: int = 0
    strangers: int = 0
    of_owner: Counter[UUID] = field(default_factory=Counter)

    @property
    def has_room_for_strangers(self) -> bool:
        """Whether strangers have fewer than they may have."""
        return self.strangers < max(1, self.per_process // STRANGERS_SHARE)

    def has_room(self, *, stranger: bool) -> bool:
        """Whether one more is let in; ``stranger``: it does not even say whose it is."""
        if self.answering >= self.per_process:
            return False
        return self.has_room_for_strangers or not stranger


@dataclass(kw_only=True)
class AdmittedRequest:
    """One that was let in, and counts until it is done."""

    admission: Admission
    stranger: bool
    _owner: UUID | None = None
    _done: bool = False

    def __post_init__(self) -> None:
        self.admission.answering += 1
        self.admission.strangers += self.stranger

    def belongs_to_nobody(self) -> None:
        """Say that it is a stranger's, whatever credentials it claims to have.

        Raises:
            Refused: Strangers have as many as they may have.
        """
        if self._done or self.stranger:
            return
        if not self.admission.has_room_for_strangers:
            status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
            raise Refused(status, code, FULL, headers=RETRY_AFTER)
        self.stranger = True
        self.admission.strangers += 1

    def belongs_to(self, owner: UUID) -> None:
        """Say whose it is, once that is known.

        Raises:
            Refused: The owner has as many as one may have at a time.
        """
        of_owner, most = self.admission.of_owner, self.admission.per_owner
        if self._done or self._owner is not None:
            return
        if of_owner[owner] >= most:
            detail = f"You may have {most} requests at a time. Try again in a moment."
            status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests"
            raise Refused(status, code, detail, headers=RETRY_AFTER)
        of_owner[owner] += 1
        self._owner = owner

    @property
    def of_same_owner(self) -> int:
        """How many requests of its owner are let in, this one among them."""
        return 0 if self._owner is None else self.admission.of_owner[self._owner]

    def done(self) -> None:
        """Make room for another one."""
        if self._done:
            return
        self._done = True
        self.admission.answering -= 1
        self.admission.strangers -= self.stranger
        if self._owner is not None:
            of_owner = self.admission.of_owner
            of_owner[self._owner] -= 1
            if not of_owner[self._owner]:
                del of_owner[self._owner]


class AdmittedRequests:
    """Lets requests in, or refuses them when the process has enough to do."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stranger = CREDENTIALS.isdisjoint(Headers(scope=scope))
        if not self._admission.has_room(stranger=stranger):
            full = problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", FULL, RETRY_AFTER)
            await full(scope, receive, send)
            return
        request = scope[KEY] = AdmittedRequest(admission=self._admission, stranger=stranger)

        async def noting_the_answer(message: Message) -> None:
            request.done()
            await send(message)

        try:
            await self._app(scope, receive, noting_the_answer)
        finally:
            request.done()


def belongs_to(scope: Scope, owner: UUID) -> None:
    """Say whose a request is.

    Raises:
        Refused: The owner has as many as one may have at a time.
    """
    request: AdmittedRequest | None = scope.get(KEY)
    if request is not None:
        request.belongs_to(owner)


def requests_of(scope: Scope) -> int:
    """Return how many requests of whoever sent this one are under way here, this one among them."""
    request: AdmittedRequest | None = scope.get(KEY)
    return 1 if request is None else request.of_same_owner


def belongs_to_nobody(scope: Scope) -> None:
    """Say that a request is a stranger's: its route asks for no credentials, and looks at none.

    Raises:
        Refused: Strangers have as many as they may have.
    """
    request: AdmittedRequest | None = scope.get(KEY)
    if request is not None:
        request.belongs_to_nobody()

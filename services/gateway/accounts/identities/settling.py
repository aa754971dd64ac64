"""Carrying out what is decided about somebody whom another site has proved to be somebody there.

Of two who come with one identity or one address at once, one waits for the other, and then looks
again. The locks of address, identity and user are taken together, as links in mails take theirs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.advisory_locks import lock_all
from libs.common.errors import Unavailable
from libs.common.store.effects import Effect
from services.gateway.accounts.addresses import folded, is_same_mailbox
from services.gateway.accounts.identities.decide import (
    Enter,
    Known,
    KnownUser,
    Link,
    Make,
    Refuse,
    decide,
)
from services.gateway.accounts.identities.identity_rows import (
    identities_of,
    identity_of,
    link_identity,
    note_use,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.identities.refusals import LoginRefused
from services.gateway.accounts.telling.account_mails import (
    DEFAULT_LANGUAGE,
    AccountMails,
    account_notice,
)
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.accounts.users import (
    NewUser,
    UserRow,
    create_user,
    known_address,
    user_at,
    user_of,
)
from services.gateway.kernel.record import CommandTransaction, Kernel

T = TypeVar("T")
TRIES = 5
"""As often as others may change who somebody is, between looking and locking."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Who somebody is; ``is_new``: the identity was linked just now."""

    user_id: UUID
    is_new: bool


Then = Callable[[CommandTransaction, Settled], Awaitable[T]]
"""What is done in the transaction in which somebody was found, linked or made."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What was decided, for whom, and the effects that go with it."""

    outcome: Enter | Link | Make
    user_id: UUID
    effects: Sequence[Effect] = ()
    new: NewUser | None = None


class _Changed(Exception):
    """Something else is decided under the locks than was before them."""


@dataclass(frozen=True)
class IdentitySettling:
    """What one kernel settles."""

    kernel: Kernel

    async def settle(self, proven: ProvenIdentity, linking: UUID | None, then: Then[T]) -> T:
        """Find, link or make who somebody is, and go on with ``then`` in the same transaction.

        ``linking`` is who wants to link the identity; None: somebody logs in.

        Raises:
            LoginRefused: Nobody comes in.
            Unavailable: Others change the same again and again.
        """
        for _ in range(TRIES):
            try:
                async with (
                    self._planned(proven, linking) as plan,
                    self.kernel.transaction() as command,
                ):
                    settled = await self._carry_out(command, proven, linking, plan)
                    return await then(command, settled)
            except _Changed:
                continue
        raise Unavailable("others change the same again and again")

    async def _carry_out(
        self,
        command: CommandTransaction,
        proven: ProvenIdentity,
        linking: UUID | None,
        plan: _Plan,
    ) -> Settled:
        connection = command.connection
        await lock_all(connection, _locks(proven, plan.user_id))
        if await self._decided(connection, proven, linking) != plan.outcome:
            raise _Changed
        if plan.new is not None:
            await create_user(connection, plan.new)
        is_new = not isinstance(plan.outcome, Enter)
        if is_new:
            await link_identity(connection, proven, plan.user_id)
        else:
            await note_use(connection, proven)
        await command.apply(plan.effects)
        return Settled(user_id=plan.user_id, is_new=is_new)

    @asynccontextmanager
    async def _planned(self, proven: ProvenIdentity, linking: UUID | None) -> AsyncIterator[_Plan]:
        """Decide, store what events of it will refer to, and yield both."""
        async with self.kernel.database.reading() as connection:
            outcome = await self._decided(connection, proven, linking)
            linked_to = outcome.user_id if isinstance(outcome, Link) else None
            user = None if linked_to is None else await user_of(connection, linked_to)
        match outcome:
            case Make(address):
                async with self._making(outcome, address) as plan:
                    yield plan
            case Link(user_id) if user is not None:
                notice = account_notice("login_added", user.address, user.language)
                async with AccountMails(self.kernel).storing(notice) as told:
                    yield _Plan(outcome=outcome, user_id=user_id, effects=told)
            case Enter(user_id) | Link(user_id):
                yield _Plan(outcome=outcome, user_id=user_id)

    @asynccontextmanager
    async def _making(self, outcome: Make, address: str) -> AsyncIterator[_Plan]:
        events = UserEvents(self.kernel)
        user = UserAddress(user_id=uuid4(), address=address, language=DEFAULT_LANGUAGE)
        async with events.storing(user) as details:
            new = NewUser(
                user_id=user.user_id,
                address=user.address,
                language=user.language,
                is_staff=False,
                details_key=details.key,
            )
            told = events.registered(user.user_id, details)
            yield _Plan(outcome=outcome, user_id=user.user_id, effects=told, new=new)

    async def _decided(
        self, connection: AsyncConnection, proven: ProvenIdentity, linking: UUID | None
    ) -> Enter | Link | Make:
        """Return what is to happen.

        Raises:
            LoginRefused: Nothing is.
        """
        is_open = self.kernel.accounts.sign_up == "open"
        outcome = decide(await _known(connection, proven, linking, is_open=is_open))
        if isinstance(outcome, Refuse):
            raise LoginRefused(outcome.reason)
        return outcome


def _locks(proven: ProvenIdentity, user_id: UUID) -> Sequence[str]:
    address = [] if proven.address is None else [f"address/{folded(proven.address)}"]
    return [*address, f"identity/{proven.issuer} {proven.subject}", f"user/{user_id}"]


async def _known(
    connection: AsyncConnection, proven: ProvenIdentity, linking: UUID | None, *, is_open: bool
) -> Known:
    linker = None if linking is None else await user_of(connection, linking)
    if linking is not None and linker is None:
        raise LoginRefused("no_session")
    identity = await identity_of(connection, proven)
    linked = None if identity is None else await user_of(connection, identity.user_id)
    holder, written = None, None
    if proven.address is not None:
        holder = await user_at(connection, proven.address)
        written = await known_address(connection, proven.address)
    return Known(
        proven=proven,
        linked=await _known_user(connection, linked, proven.issuer),
        holder=await _known_user(connection, holder, proven.issuer),
        same_mailbox=written is not None and is_same_mailbox(written, proven.address or ""),
        linking=await _known_user(connection, linker, proven.issuer),
        is_open=is_open,
    )


async def _known_user(
    connection: AsyncConnection, user: UserRow | None, issuer: str
) -> KnownUser | None:
    if user is None:
        return None
    present = await identities_of(connection, user.user_id)
    return KnownUser(
        user_id=user.user_id,
        is_disabled=user.disabled_at is not None,
        identities=len(present),
        knows_issuer=any(one.issuer == issuer for one in present),
    )

"""Links as they are decided, kept and looked up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.accounts import UserDeleted, UserDisabled
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import Scope
from libs.common.contracts.sharing import ListenLinkEnded, ListenLinkMade
from libs.common.errors import Rejected
from services.gateway.documents.public_links.commands import LinkCommands
from services.gateway.kernel.errors import NotFound, QuotaExceeded
from services.gateway.sharing import closed_accounts
from services.gateway.sharing.listen_links.decide import (
    LASTS,
    LONGEST,
    MOST_LINKS,
    LinkedDocument,
)
from services.gateway.sharing.listen_links.link_secrets import (
    LINK_PREFIX,
    LinkSecret,
    forgotten_secret,
    link_caller,
    secrets_of_document,
    secrets_of_owner,
)
from services.gateway.sharing.listen_links.rows import ListenLinkRow
from services.gateway.sharing.listen_links.selects import (
    is_link_of,
    link_with,
    links_of_document,
)
from services.gateway.sharing.tables import link_secrets

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DOCUMENT, OWNER = UUID(int=1), UUID(int=2)


def link(expires_at=NOW + timedelta(days=1)):
    return ListenLinkRow(
        owner_id=UUID(int=9),
        link_id=uuid4(),
        document_id=DOCUMENT,
        made_at=rfc3339(NOW - timedelta(days=1)),
        expires_at=rfc3339(expires_at),
        label=None,
    )


def linked(*links):
    return LinkedDocument(document_id=DOCUMENT, owner_id=OWNER, links=links, now=NOW)


def test_a_link_ends_at_its_moment_and_not_before():
    row = link(NOW)
    assert not row.is_active(rfc3339(NOW))
    assert row.is_active(rfc3339(NOW - timedelta(microseconds=1)))


def test_a_link_lasts_thirty_days_or_as_long_as_its_maker_says():
    made, ended = linked().make(OWNER, None)
    assert (made.expires_at, made.made_by, ended) == (NOW + LASTS, OWNER, [])
    assert made.stream == f"links/{DOCUMENT}"
    assert linked().make(OWNER, NOW + LONGEST)[0].expires_at == NOW + LONGEST


@pytest.mark.parametrize(
    ("expires_at", "code"),
    [(NOW, "in_the_past"), (NOW + LONGEST + timedelta(seconds=1), "lasts_too_long")],
)
def test_a_link_ends_neither_before_it_begins_nor_much_later(expires_at, code):
    with pytest.raises(Rejected) as refused:
        linked().make(OWNER, expires_at)
    assert refused.value.code == code


def test_links_are_bounded_and_those_that_expired_make_room():
    full = [link() for _ in range(MOST_LINKS)]
    with pytest.raises(QuotaExceeded):
        linked(*full).make(OWNER, None)
    gone = link(NOW)
    _, ended = linked(gone, *full[1:]).make(OWNER, None)
    assert [(event.link_id, event.reason) for event in ended] == [(gone.link_id, "expired")]


def test_what_is_no_link_of_the_document_is_not_revoked():
    mine = link()
    assert linked(mine).revoke(OWNER, mine.link_id).reason == "revoked"
    with pytest.raises(NotFound):
        linked(mine).revoke(OWNER, uuid4())


def test_a_secret_has_256_bits_and_is_no_other_one():
    one, other = LinkSecret(), LinkSecret()
    assert one.secret.startswith(LINK_PREFIX)
    assert len(one.secret) == len(LINK_PREFIX) + 43
    assert one.secret != other.secret
    assert one.secret not in repr(one)


async def made(world, document=None, label=None):
    document = document or await world.hand_in()
    link_id, secret = await LinkCommands(world.kernel).make(world.owner, document, label, None)
    return document, link_id, secret


async def test_a_link_stands_for_whoever_has_it_and_opens_one_document(world):
    document, link_id, secret = await made(world, label="For\nthe club")
    caller = await link_caller(world.database, secret)
    assert caller is not None
    assert (caller.user_id, caller.document_id) == (link_id, document)
    assert (caller.scopes, caller.is_staff) == (frozenset({Scope.READ}), False)
    assert await link_caller(world.database, secret[:-1]) is None
    async with world.database.reading() as connection:
        [row] = await links_of_document(connection, document)
        assert (row.link_id, row.label) == (link_id, "For the club")
        assert await links_of_document(connection, uuid4()) == []
        assert await is_link_of(connection, link_id, document)
        assert not await is_link_of(connection, link_id, uuid4())
        assert not await is_link_of(connection, world.owner, document)


async def test_neither_events_nor_tables_have_the_secret_or_events_the_label(world):
    _, link_id, secret = await made(world, label="For Bea")
    [event] = await world.decided(ListenLinkMade)
    assert event.link_id == link_id
    assert secret not in event.encode().decode()
    assert "Bea" not in event.encode().decode()
    [row] = await world.database.fetch(link_secrets.select())
    assert secret not in str(row)
    assert secret.removeprefix(LINK_PREFIX) not in str(row)


async def test_of_an_expired_link_nothing_is_found(world, monkeypatch):
    document, link_id, secret = await made(world)
    async with world.database.reading() as connection:
        row = await link_with(connection, (await digest(world)))
        assert row is not None
    after = datetime.fromisoformat(row.expires_at)
    for moment, there in ((after - timedelta(seconds=1), True), (after, False)):
        monkeypatch.setattr(
            "services.gateway.sharing.listen_links.selects.datetime", _clock(moment)
        )
        assert (await link_caller(world.database, secret) is not None) is there
        async with world.database.reading() as connection:
            assert await is_link_of(connection, link_id, document) is there


async def digest(world):
    [row] = await world.database.fetch(link_secrets.select())
    return row.sha256


def _clock(moment):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    return Clock


@pytest.mark.parametrize("how", ["link", "document", "owner"])
async def test_a_link_without_its_secret_opens_nothing(world, how):
    document, link_id, secret = await made(world)
    other = await world.hand_in(owner=uuid4())
    _, _, kept = await made(world) if how == "link" else (None, None, None)
    forget = {
        "link": forgotten_secret(link_id),
        "document": secrets_of_document(document),
        "owner": secrets_of_owner(world.owner),
    }[how]
    async with world.database.transaction() as connection:
        await connection.execute(forget)
        assert not await is_link_of(connection, link_id, document)
    assert await link_caller(world.database, secret) is None
    assert kept is None or await link_caller(world.database, kept) is not None
    assert other != document


async def test_links_end_with_their_document(world):
    document, _, secret = await made(world)
    _, _, kept = await made(world)
    await world.documents.delete(world.owner, document)
    assert await link_caller(world.database, secret) is None
    assert await link_caller(world.database, kept) is not None


@pytest.mark.parametrize("closed", [UserDisabled, UserDeleted])
async def test_links_end_at_once_when_the_account_of_their_owner_is_closed(
    world, monkeypatch, closed
):
    monkeypatch.setattr(closed_accounts, "AT_A_TIME", 1)
    first = await made(world)
    second = await made(world)
    by = {"disabled_by": None} if closed is UserDisabled else {"deleted_by": None}
    async with world.kernel.transaction() as command:
        await command.apply(world.kernel.record(closed(user_id=world.owner, **by)))
    for _, _, secret in (first, second):
        assert await link_caller(world.database, secret) is None
    ended = await world.decided(ListenLinkEnded)
    assert {(event.link_id, event.reason) for event in ended} == {
        (first[1], "account_closed"),
        (second[1], "account_closed"),
    }
    assert len(ended) == 2


def test_a_row_does_not_show_what_a_link_is_called():
    assert "Bea" not in repr(replace(link(), label="For Bea"))

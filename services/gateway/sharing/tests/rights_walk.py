"""Random steps of people on two gateways that share a database, compared with the model."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from starlette.routing import Mount

from libs.common.contracts.accounts import UserRegistered
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.permissions import Capability
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.callers import KNOWN_FOR_S, KnownCallers
from services.gateway.accounts.users import NewUser, create_user
from services.gateway.documents.selects import document_for
from services.gateway.kernel.errors import Forbidden, NotFound
from services.gateway.sharing.tests.rights_model import LEVELS, MAY, Document, Link, Rights, Share
from services.gateway.tests.world import World

PEOPLE = ["ada", "bea", "cal", "dan", "eve", "fay"]
DOCUMENTS = 5
OK = 200
MORE_OFTEN, MOSTLY = 0.6, 0.95
CLOSED_EVERY = 150
CAPABILITIES = {
    "see": Capability.SEE_DOCUMENT,
    "listen": Capability.LISTEN,
    "download": Capability.DOWNLOAD,
    "request": Capability.REQUEST_AUDIO,
    "edit": Capability.EDIT_PAGE,
    "shares": Capability.LIST_SHARES,
    "leave": Capability.LEAVE_SHARE,
    "links": Capability.MANAGE_LINKS,
    "delete": Capability.DELETE_DOCUMENT,
}
DETAILS = ObjectRef(key="users/x/y", sha256="0" * 64, size=1, media_type="application/json")
Step = Callable[["Walk"], Awaitable[None]]


@dataclass
class Gateway:
    """One of the two, with credentials that it knows by heart until the clock says otherwise."""

    world: World
    client: httpx.AsyncClient
    known: KnownCallers


@dataclass
class Walk:
    """The gateways, the model, and what happened so far."""

    gateways: list[Gateway]
    chance: random.Random
    began: datetime
    model: Rights = field(default_factory=lambda: Rights(PEOPLE))
    seconds: float = 0.0
    told: list[tuple[str | None, str]] = field(default_factory=list)
    walked: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def moment(self) -> datetime:
        """What time it is to the gateways."""
        return self.began + timedelta(hours=self.model.now)

    def gateway(self) -> Gateway:
        return self.chance.choice(self.gateways)

    def person(self, document: str | None = None, what: str | None = None) -> str:
        """Anybody; more often than not somebody who may do ``what``, lest all be refused."""
        within = [name for name, who in self.model.people.items() if who.is_in]
        if document is not None and what is not None and self.chance.random() < MORE_OFTEN:
            may = [name for name in within if self.model.may(name, document, what) == OK]
            within = may or within
        return self.chance.choice(within if self.chance.random() < MOSTLY else PEOPLE)

    def document(self) -> str:
        alive = [name for name, one in self.model.documents.items() if not one.deleted]
        mostly = bool(alive) and self.chance.random() < MOSTLY
        return self.chance.choice(alive if mostly else list(self.model.documents))

    def end(self) -> float | None:
        """When something is to end: never, later, or in the past."""
        hours = self.chance.choice([None, None, 1, 5, 20, 60, 200, -2])
        return None if hours is None else int(self.model.now) + hours + 0.5

    def sent(self, end: float | None) -> str | None:
        return None if end is None else (self.began + timedelta(hours=end)).isoformat()

    async def ask(
        self, method: str, path: str, token: str | None, gateway: Gateway | None = None, **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or 'of-nobody'}"}
        client = (gateway or self.gateway()).client
        answer = await client.request(method, path, headers=headers, **more)
        self.answers[answer.status_code] += 1
        return answer

    def token(self, person: str) -> str | None:
        return self.model.people[person].token

    def tell(self, document: str | None, text: str) -> None:
        self.told.append((document, text))

    def expect(self, found: object, expected: object, document: str | None, text: str) -> None:
        self.tell(document, f"{text}: {found}")
        assert found == expected, f"{text}: {found}, and the model says {expected}"

    def steps_of(self, document: str | None) -> str:
        """What led here: all that was about a document, and about accounts."""
        return "\n".join(text for about, text in self.told if about in {None, document})


async def register(walk: Walk) -> None:
    out = [name for name, who in walk.model.people.items() if who.user is None]
    if not out:
        return
    name = walk.chance.choice(out)
    who, world, user = walk.model.people[name], walk.gateway().world, uuid4()
    new = NewUser(
        user_id=user, address=who.address, language="en", is_staff=False, details_key=str(user)
    )
    async with world.kernel.transaction() as command:
        await create_user(command.connection, new)
        registered = UserRegistered(user_id=user, details=DETAILS)
        await command.apply(world.kernel.record(registered))
    _, token = await world.tokens.create(name, user)
    walk.model.registered(name, str(user), token)
    walk.tell(None, f"{name} registers as {user}")


async def close(walk: Walk) -> None:
    """An account is disabled or deleted: what lasts is refused at once, the rest within seconds."""
    within = [name for name, who in walk.model.people.items() if who.is_in]
    if len(within) < len(PEOPLE) // 2:
        return
    documents = [one for one in walk.model.documents.values() if one.open_shares()]
    sharing = {share.by for one in documents for share in one.open_shares().values()}
    asked = walk.chance.choice([{one.owner for one in documents}, sharing])
    busy = [name for name in within if walk.model.people[name].user in asked]
    name, for_good = walk.chance.choice(busy or within), walk.chance.random() < MORE_OFTEN / 2
    gateway, who = walk.gateway(), walk.model.people[name]
    user, token = UUID(who.user), who.token
    closing = AccountClosing(gateway.world.kernel)
    await (closing.delete(user, None) if for_good else closing.disable(user, None))
    gateway.known.forget(user)
    walk.tell(None, f"{name} is {'deleted' if for_good else 'disabled'}")
    for document, found in walk.model.documents.items():
        await _links_open_nothing(walk, document, found, of=str(user))
    for one in walk.gateways:
        path = f"/documents/{walk.document()}"
        lasting = [
            await walk.ask("POST", f"{path}/links", token, one, json={}),
            await walk.ask("POST", f"{path}/shares", token, one, json={"address": "x@y.example"}),
        ]
        statuses = [answer.status_code for answer in lasting]
        walk.expect(
            statuses, [401, 401], None, f"{name} makes what lasts by a token that has ended"
        )
    walk.model.closed(name, for_good=for_good)
    await gateway.world.work()
    walk.seconds += KNOWN_FOR_S
    await compare(walk, PEOPLE)


async def _links_open_nothing(walk: Walk, name: str, document: Document, of: str) -> None:
    """Links end with the account of their owner in the same transaction, before any job."""
    for link in document.open_links().values():
        if document.owner == of:
            answer = await walk.ask("GET", "/listen", link.secret)
            walk.expect(answer.status_code, 401, name, "a link of who has closed the account")


async def enable(walk: Walk) -> None:
    out = [name for name, who in walk.model.people.items() if who.disabled]
    if not out:
        return
    name, world = walk.chance.choice(out), walk.gateway().world
    user = UUID(walk.model.people[name].user)
    await AccountClosing(world.kernel).enable(user, None)
    _, token = await world.tokens.create(name, user)
    walk.model.enabled(name, token)
    walk.tell(None, f"{name} is enabled")
    await compare(walk, [name])


async def hand_in(walk: Walk) -> None:
    alive = [name for name, one in walk.model.documents.items() if not one.deleted]
    within = [who for who in walk.model.people.values() if who.is_in]
    if len(alive) >= DOCUMENTS or not within:
        return
    owner = walk.chance.choice(within)
    document = await walk.gateway().world.hand_in(owner=UUID(owner.user))
    gone = [name for name, one in walk.model.documents.items() if one.deleted]
    for name in gone[:-2]:  # some are kept, to be asked for
        del walk.model.documents[name]
    walk.model.documents[str(document)] = Document(owner=str(owner.user))
    walk.tell(str(document), f"{owner.name} hands in {document}")


async def delete_document(walk: Walk) -> None:
    name, document = walk.person(), walk.document()
    if walk.chance.random() < 0.5:
        return
    expected = walk.model.delete(name, document)
    answer = await walk.ask("DELETE", f"/documents/{document}", walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} deletes")
    if expected == 204:
        walk.model.deleted(document)


async def grant(walk: Walk) -> None:
    document, to = walk.document(), walk.chance.choice(PEOPLE)
    name = walk.person(document, "shares")
    level, end = walk.chance.choice(LEVELS), walk.end()
    recipient = walk.model.people[to]
    expected, ends = walk.model.grant(name, document, to, level, end)
    given = {"address": recipient.address, "level": level, "expires_at": walk.sent(end)}
    path = f"/documents/{document}/shares"
    answer = await walk.ask("POST", path, walk.token(name), json=given)
    text = f"{name} grants {to} {level} until {end}"
    walk.expect(answer.status_code, expected, document, text)
    if expected == 201:
        share = Share(
            by=str(walk.model.people[name].user),
            address=recipient.address,
            recipient=walk.model.recipient(document, to),
            level=level,
            expires=ends,
        )
        walk.model.documents[document].shares[answer.json()["share_id"]] = share


def _share(walk: Walk, document: str) -> str:
    """One of the document's, ended or not; or none of it."""
    found = walk.model.documents[document]
    some = found.open_shares() if walk.chance.random() < MORE_OFTEN else found.shares
    return walk.chance.choice([*some, str(uuid4())])


async def change(walk: Walk) -> None:
    document = walk.document()
    name = walk.person(document, "shares")
    share, level, end = _share(walk, document), walk.chance.choice(LEVELS), walk.end()
    expected, ends = walk.model.change(name, document, share, level, end)
    answer = await walk.ask(
        "PATCH",
        f"/documents/{document}/shares/{share}",
        walk.token(name),
        json={"level": level, "expires_at": walk.sent(end)},
    )
    text = f"{name} changes {share} to {level} until {end}"
    walk.expect(answer.status_code, expected, document, text)
    if expected == 200:
        changed = walk.model.documents[document].shares[share]
        changed.level, changed.expires = level, ends


async def revoke(walk: Walk) -> None:
    document = walk.document()
    name = walk.person(document, "shares")
    share = _share(walk, document)
    expected = walk.model.revoke(name, document, share)
    path = f"/documents/{document}/shares/{share}"
    answer = await walk.ask("DELETE", path, walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} revokes {share}")
    if expected == 204:
        walk.model.documents[document].shares[share].ended = True


async def leave(walk: Walk) -> None:
    document = walk.document()
    name = walk.person(document, "leave")
    expected = walk.model.leave(name, document)
    answer = await walk.ask("DELETE", f"/shared/{document}", walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} leaves")


async def see(walk: Walk) -> None:
    document = walk.document()
    name = walk.person(document, "see")
    expected = walk.model.may(name, document, "see")
    answer = await walk.ask("GET", f"/documents/{document}", walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} reads")


async def compare(walk: Walk, people: list[str]) -> None:
    """Look at what people see of all documents at once."""
    for name in people:
        user = walk.model.people[name].user
        for document in walk.model.documents if walk.model.people[name].is_in else []:
            found = await _right(walk, UUID(user), document, "see")
            walk.expect(found, walk.model.may(name, document, "see"), document, f"{name} sees")


async def use_right(walk: Walk) -> None:
    """What is asked of a command or query, whatever route leads there."""
    document = walk.document()
    name = walk.person(document, "see")
    what = walk.chance.choice(list(MAY))
    user = walk.model.people[name].user
    if not walk.model.people[name].is_in:
        return
    found = await _right(walk, UUID(user), document, what)
    walk.expect(found, walk.model.may(name, document, what), document, f"{name} would {what}")


async def _right(walk: Walk, caller: UUID, document: str, what: str) -> int:
    async with walk.gateway().world.database.reading() as connection:
        try:
            await document_for(connection, caller, UUID(document), CAPABILITIES[what])
        except NotFound:
            return 404
        except Forbidden:
            return 403
        return 200


async def list_shares(walk: Walk) -> None:
    document = walk.document()
    name = walk.person(document, "shares")
    expected = walk.model.may(name, document, "shares")
    answer = await walk.ask("GET", f"/documents/{document}/shares", walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} lists shares")
    if expected == 200:
        found = {one["share_id"]: (one["level"], one["expired"]) for one in answer.json()["items"]}
        shares = walk.model.documents[document].open_shares().items()
        wanted = {key: (one.level, not one.is_active(walk.model.now)) for key, one in shares}
        walk.expect(found, wanted, document, "the shares")


async def list_shared(walk: Walk) -> None:
    name = walk.person()
    answer = await walk.ask("GET", "/shared", walk.token(name))
    if not walk.model.people[name].is_in:
        walk.expect(answer.status_code, 401, None, f"{name} lists what is shared")
        return
    found = {one["document_id"] for one in answer.json()["items"]}
    assert found == walk.model.shared_with(name), f"shared with {name}"


async def make_link(walk: Walk) -> None:
    document, end = walk.document(), walk.end()
    name = walk.person(document, "links")
    expected = walk.model.make_link(name, document, end)
    answer = await walk.ask(
        "POST",
        f"/documents/{document}/links",
        walk.token(name),
        json={"expires_at": walk.sent(end)},
    )
    walk.expect(answer.status_code, expected, document, f"{name} makes a link until {end}")
    if expected == 201:
        made, ends = answer.json(), walk.model.now + 30 * 24 if end is None else end
        walk.model.made_link(document, made["link_id"], Link(made["secret"], ends))


def _link(walk: Walk) -> tuple[str, str] | None:
    links = [
        (document, link) for document, found in walk.model.documents.items() for link in found.links
    ]
    return walk.chance.choice(links) if links else None


async def revoke_link(walk: Walk) -> None:
    if (chosen := _link(walk)) is None:
        return
    document, link = chosen
    name = walk.person(document, "links")
    expected = walk.model.revoke_link(name, document, link)
    path = f"/documents/{document}/links/{link}"
    answer = await walk.ask("DELETE", path, walk.token(name))
    walk.expect(answer.status_code, expected, document, f"{name} revokes link {link}")
    if expected == 204:
        walk.model.documents[document].links[link].ended = True


async def use_link(walk: Walk) -> None:
    if (chosen := _link(walk)) is None:
        return
    (of, link), document = chosen, walk.document()
    if walk.chance.random() < 0.5:
        document = of
    found = walk.model.documents[of].links[link]
    what, method, path = walk.chance.choice(
        [
            ("see", "GET", f"/documents/{document}"),
            ("listen", "GET", f"/documents/{document}/pages"),
            ("shares", "GET", f"/documents/{document}/shares"),
            ("links", "POST", f"/documents/{document}/links"),
            ("delete", "DELETE", f"/documents/{document}"),
        ]
    )
    expected = walk.model.link_may(found, of, document, what)
    answer = await walk.ask(method, path, found.secret)
    text = f"link {link} of {of} is used: {method} {path}"
    walk.expect(answer.status_code, expected, of, text)
    if expected != 401:
        right = await _right(walk, UUID(link), document, what)
        walk.expect(right == 200, expected == 200, of, f"link {link} would {what}")


async def pass_time(walk: Walk) -> None:
    walk.model.now += walk.chance.choice([1, 1, 3, 12])
    walk.tell(None, f"it is hour {walk.model.now}")


async def race(walk: Walk) -> None:
    """The owner takes a right away while it is used: either comes first, and no third way."""
    document = walk.document()
    found = walk.model.documents[document]
    users = {who.user: name for name, who in walk.model.people.items() if who.is_in}
    sharing = [
        (key, share)
        for key, share in found.open_shares().items()
        if share.level == "can_share" and share.is_active(walk.model.now)
    ]
    sharing = [(key, share) for key, share in sharing if share.recipient in users]
    if found.deleted or found.owner not in users or not sharing:
        return
    key, taken = walk.chance.choice(sharing)
    by, to = users[str(taken.recipient)], walk.person()
    expected, ends = walk.model.grant(by, document, to, "view_only", None)
    recipient, (one, other) = walk.model.people[to], walk.gateways
    path = f"/documents/{document}/shares"
    given = {"address": recipient.address, "level": "view_only"}
    revoked, granted = await asyncio.gather(
        walk.ask("DELETE", f"{path}/{key}", walk.token(users[found.owner]), one),
        walk.ask("POST", path, walk.token(by), other, json=given),
    )
    still = walk.model.role(taken.recipient, document)
    walk.tell(document, f"at once: {key} is revoked {revoked.status_code}, {by} grants {to}")
    assert revoked.status_code in {204, 409}, revoked.text
    assert granted.status_code in {expected, 404, 403, 409}, granted.text
    assert 409 not in {revoked.status_code} or granted.status_code == 201, "both were refused"
    if granted.status_code == 201:
        recipient_id = recipient.user if recipient.is_in else None
        share = Share(str(taken.recipient), recipient.address, recipient_id, "view_only", ends)
        found.shares[granted.json()["share_id"]] = share
    taken.ended = taken.ended or revoked.status_code == 204
    assert still is not None


STEPS: dict[Step, int] = {
    see: 16,
    use_right: 14,
    use_link: 10,
    grant: 10,
    change: 10,
    list_shares: 8,
    revoke: 5,
    list_shared: 4,
    make_link: 4,
    revoke_link: 3,
    leave: 1,
    pass_time: 2,
    hand_in: 4,
    delete_document: 1,
    race: 2,
    register: 4,
    enable: 4,
}


async def go(walk: Walk, steps: int) -> None:
    """Walk so many steps; some of them close an account."""
    for name in PEOPLE[:4]:
        assert name
        await register(walk)
    while len(walk.model.documents) < DOCUMENTS - 1:
        await hand_in(walk)
    kinds, weights = list(STEPS), list(STEPS.values())
    for number in range(steps):
        closes = number % CLOSED_EVERY == CLOSED_EVERY - 1
        step = close if closes else walk.chance.choices(kinds, weights)[0]
        walk.walked[step.__name__] += 1
        await step(walk)


async def enter(stack: AsyncExitStack, world: World, walk: Callable[[], Walk]) -> Gateway:
    """A gateway with a client, and a cache whose clock the walk moves."""
    client = await stack.enter_async_context(world.client())
    known = KnownCallers(clock=lambda: walk().seconds)
    [mount] = world.assembly.parts.http_routes
    assert isinstance(mount, Mount)
    app: Any = mount.app
    app.state.known_callers = known
    return Gateway(world, client, known)

"""Who may do what with whose documents: a small model, which knows nothing of the gateway's code.

What it says was typed from the table of rights and from docs/decisions/0053. Times are hours.
"""

from dataclasses import dataclass, field

LEVELS = ["view_only", "collaborator", "can_share"]
MAY = {
    "see": {"owner", "can_share", "collaborator", "view_only", "link"},
    "listen": {"owner", "can_share", "collaborator", "view_only", "link"},
    "download": {"owner", "can_share", "collaborator", "view_only"},
    "request": {"owner", "can_share", "collaborator"},
    "edit": {"owner", "can_share"},
    "shares": {"owner", "can_share"},
    "leave": {"can_share", "collaborator", "view_only"},
    "links": {"owner"},
    "delete": {"owner"},
}
MOST_LINKS = 20


@dataclass
class Person:
    """Somebody with one mail address; ``user`` None: without an account."""

    name: str
    user: str | None = None
    token: str | None = None
    disabled: bool = False

    @property
    def address(self) -> str:
        return f"{self.name}@example.org"

    @property
    def is_in(self) -> bool:
        return self.user is not None and not self.disabled


@dataclass
class Share:
    by: str
    address: str
    recipient: str | None
    level: str
    expires: float | None
    ended: bool = False

    def is_active(self, now: float) -> bool:
        return not self.ended and (self.expires is None or self.expires > now)


@dataclass
class Link:
    secret: str
    expires: float
    ended: bool = False

    def is_active(self, now: float) -> bool:
        return not self.ended and self.expires > now


@dataclass
class Document:
    owner: str
    deleted: bool = False
    shares: dict[str, Share] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    def open_shares(self) -> dict[str, Share]:
        return {name: share for name, share in self.shares.items() if not share.ended}

    def open_links(self) -> dict[str, Link]:
        return {name: link for name, link in self.links.items() if not link.ended}


class Rights:
    """All of it. What is asked of it answers with the status that the API must answer with."""

    def __init__(self, people: list[str]) -> None:
        self.now = 0.0
        self.people = {name: Person(name) for name in people}
        self.documents: dict[str, Document] = {}

    def role(self, user: str | None, document: str) -> str | None:
        found = self.documents.get(document)
        if found is None or found.deleted or user is None:
            return None
        if found.owner == user:
            return "owner"
        own = self._active(user, found)
        return max((share.level for share in own), key=LEVELS.index, default=None)

    def _active(self, user: str, document: Document) -> list[Share]:
        shares = document.shares.values()
        return [one for one in shares if one.recipient == user and one.is_active(self.now)]

    def may(self, person: str, document: str, what: str) -> int:
        """200, or what refuses it."""
        if not self.people[person].is_in:
            return 401
        role = self.role(self.people[person].user, document)
        if role is None:
            return 404
        return 200 if role in MAY[what] else 403

    def link_may(self, link: Link, of: str, document: str, what: str) -> int:
        if self.documents[of].deleted or not link.is_active(self.now):
            return 401
        if "link" not in MAY[what]:
            return 403
        return 200 if of == document else 404

    def shared_with(self, person: str) -> set[str]:
        user = self.people[person].user
        return {
            name
            for name, document in self.documents.items()
            if self.role(user, name) not in {None, "owner"} and document.owner != user
        }

    def grant(
        self, person: str, document: str, to: str, level: str, expires: float | None
    ) -> tuple[int, float | None]:
        """The answer, and when the share would end."""
        may = self.may(person, document, "shares")
        if may != 200:
            return may, None
        user, found = self.people[person].user, self.documents[document]
        assert user is not None
        if not self._up_to_own(user, document, level):
            return 403, None
        recipient = self.people[to]
        if recipient.is_in and recipient.user == user:
            return 422, None
        if recipient.address in {share.address for share in found.open_shares().values()}:
            return 422, None
        return self._end(user, found, expires, 201)

    def recipient(self, document: str, to: str) -> str | None:
        """Who has what is granted at once: nobody, if it is the owner's own document."""
        who = self.people[to]
        is_theirs = who.user == self.documents[document].owner
        return who.user if who.is_in and not is_theirs else None

    def change(
        self, person: str, document: str, share: str, level: str, expires: float | None
    ) -> tuple[int, float | None]:
        may = self._touch(person, document, share)
        if may != 200:
            return may, None
        user = self.people[person].user
        assert user is not None
        if not self._up_to_own(user, document, level):
            return 403, None
        return self._end(user, self.documents[document], expires, 200)

    def revoke(self, person: str, document: str, share: str) -> int:
        may = self._touch(person, document, share)
        return 204 if may == 200 else may

    def _touch(self, person: str, document: str, share: str) -> int:
        may = self.may(person, document, "shares")
        if may != 200:
            return may
        found = self.documents[document]
        if share not in found.open_shares():
            return 404
        user = self.people[person].user
        return 200 if user in {found.owner, found.shares[share].by} else 403

    def _up_to_own(self, user: str, document: str, level: str) -> bool:
        role = self.role(user, document)
        return role == "owner" or (
            role in LEVELS and LEVELS.index(level) <= LEVELS.index(str(role))
        )

    def _end(
        self, user: str, document: Document, expires: float | None, done: int
    ) -> tuple[int, float | None]:
        if expires is not None and expires <= self.now:
            return 422, None
        if user == document.owner:
            return done, expires
        own = self._active(user, document)
        ends = [share.expires for share in own if share.level == "can_share"]
        if None in ends:
            return done, expires
        latest = max(end for end in ends if end is not None)
        if expires is not None and expires > latest:
            return 422, None
        return done, latest if expires is None else expires

    def leave(self, person: str, document: str) -> int:
        may = self.may(person, document, "leave")
        if may != 200:
            return may
        for share in self._active(str(self.people[person].user), self.documents[document]):
            share.ended = True
        return 204

    def make_link(self, person: str, document: str, expires: float | None) -> int:
        may = self.may(person, document, "links")
        if may != 200:
            return may
        if expires is not None and not self.now < expires <= self.now + 366 * 24:
            return 422
        open_links = self.documents[document].open_links().values()
        full = len([link for link in open_links if link.is_active(self.now)]) >= MOST_LINKS
        return 409 if full else 201

    def made_link(self, document: str, name: str, link: Link) -> None:
        """Making one does away with those that have expired."""
        found = self.documents[document]
        for other in found.links.values():
            other.ended = other.ended or not other.is_active(self.now)
        found.links[name] = link

    def revoke_link(self, person: str, document: str, link: str) -> int:
        may = self.may(person, document, "links")
        if may != 200:
            return may
        return 204 if link in self.documents[document].open_links() else 404

    def delete(self, person: str, document: str) -> int:
        may = self.may(person, document, "delete")
        return 204 if may == 200 else may

    def deleted(self, document: str) -> None:
        found = self.documents[document]
        found.deleted = True
        for share in found.shares.values():
            share.ended = True
        for link in found.links.values():
            link.ended = True

    def registered(self, person: str, user: str, token: str) -> None:
        """Whoever has an account has what they were invited to, except to their own."""
        who = self.people[person]
        who.user, who.token, who.disabled = user, token, False
        self._claim(who)

    def enabled(self, person: str, token: str) -> None:
        """What was shared with an account while it was closed waits for it."""
        who = self.people[person]
        who.token, who.disabled = token, False
        self._claim(who)

    def _claim(self, who: Person) -> None:
        for document in self.documents.values():
            for share in document.open_shares().values():
                if share.address == who.address and share.recipient is None:
                    is_own = who.user in {document.owner, share.by}
                    share.recipient = None if is_own else who.user

    def closed(self, person: str, *, for_good: bool) -> None:
        """What was shared by, with and of a user ends with the account; documents when it goes."""
        who = self.people[person]
        for name, document in self.documents.items():
            mine = document.owner == who.user
            for share in document.shares.values():
                if mine or who.user in {share.by, share.recipient}:
                    share.ended = True
            for link in document.links.values():
                link.ended = link.ended or mine
            if for_good and mine and not document.deleted:
                self.deleted(name)
        who.token, who.disabled = None, not for_good
        if for_good:
            who.user = None

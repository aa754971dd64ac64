"""Who may do what: one table of role x capability, used by every service and shown in the docs.

Staff see figures and failures, not content. What one may not see answers 404, the same as what does
not exist; :func:`sees` decides that. What one may see and not do answers 403.

A token may do less than who made it: it has scopes, and every capability takes one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID


class Role(StrEnum):
    """What somebody is to a document."""

    OWNER = "owner"
    CAN_SHARE = "can_share"
    COLLABORATOR = "collaborator"
    VIEW_ONLY = "view_only"
    STRANGER = "stranger"
    STAFF = "staff"
    LINK_HOLDER = "link_holder"
    ANONYMOUS = "anonymous"


class ShareLevel(StrEnum):
    """What a share grants; later ones include what earlier ones grant."""

    VIEW_ONLY = "view_only"
    COLLABORATOR = "collaborator"
    CAN_SHARE = "can_share"

    @property
    def role(self) -> Role:
        """The role of somebody who holds a share of this level."""
        return Role(self.value)

    def includes(self, other: "ShareLevel") -> bool:
        """Tell whether this level grants all that ``other`` does."""
        levels = list(ShareLevel)
        return levels.index(other) <= levels.index(self)


class Scope(StrEnum):
    """What a token is good for. None includes another one."""

    READ = "read"
    WRITE = "write"
    SHARE = "share"
    ADMIN = "admin"


EVERY_SCOPE = frozenset(Scope)


class Capability(StrEnum):
    """What can be done. The values are the names that the documentation shows."""

    LIST_VOICES = "list engines and voices"
    LIST_DOCUMENTS = "list own and shared documents"
    ADD_DOCUMENT = "hand in documents"
    MANAGE_ACCOUNT = "own account, sessions, tokens"
    SEE_USAGE = "own usage and limits"
    SEE_PREFERENCES = "read own preferences"
    CHANGE_PREFERENCES = "change own preferences"

    SEE_DOCUMENT = "see document, pages, status"
    LISTEN = "listen, read along"
    DOWNLOAD = "download"
    REQUEST_AUDIO = "request audio"
    RETRY_AUDIO = "retry failed audio"
    EDIT_PAGE = "edit page text"
    LIST_SHARES = "list shares"
    GRANT_SHARE = "grant a share"
    CHANGE_SHARE = "change or revoke a share"
    LEAVE_SHARE = "leave a share"
    MANAGE_LINKS = "public listen links"
    RENAME = "rename document"
    ADD_PAGE = "add and reorder pages"
    RETRY_PARSING = "retry parsing"
    DELETE_AUDIO = "delete audio"
    DELETE_DOCUMENT = "delete document"
    SEE_DASHBOARDS = "dashboards"
    SEE_ALERTS = "alerts"
    SEE_AUDIT_LOG = "audit log"
    CHANGE_SITE_SETTINGS = "site settings"
    MANAGE_USERS = "users: list, invite, disable"


_SIGNED_IN = frozenset(
    {
        Capability.LIST_VOICES,
        Capability.LIST_DOCUMENTS,
        Capability.ADD_DOCUMENT,
        Capability.MANAGE_ACCOUNT,
        Capability.SEE_USAGE,
        Capability.SEE_PREFERENCES,
        Capability.CHANGE_PREFERENCES,
    }
)
_BY_LINK = frozenset({Capability.SEE_DOCUMENT, Capability.LISTEN})
_VIEW = _SIGNED_IN | _BY_LINK | {Capability.DOWNLOAD}
_COLLABORATE = _VIEW | {Capability.REQUEST_AUDIO, Capability.RETRY_AUDIO}
_SHARE = _COLLABORATE | {
    Capability.EDIT_PAGE,
    Capability.LIST_SHARES,
    Capability.GRANT_SHARE,
    Capability.CHANGE_SHARE,
}
_OWN = _SHARE | {
    Capability.MANAGE_LINKS,
    Capability.RENAME,
    Capability.ADD_PAGE,
    Capability.RETRY_PARSING,
    Capability.DELETE_AUDIO,
    Capability.DELETE_DOCUMENT,
}
_LEAVE = frozenset({Capability.LEAVE_SHARE})
_ADMINISTER = frozenset(
    {
        Capability.SEE_DASHBOARDS,
        Capability.SEE_ALERTS,
        Capability.SEE_AUDIT_LOG,
        Capability.CHANGE_SITE_SETTINGS,
        Capability.MANAGE_USERS,
    }
)

CAPABILITIES: Mapping[Role, frozenset[Capability]] = MappingProxyType(
    {
        Role.OWNER: _OWN,
        Role.CAN_SHARE: _SHARE | _LEAVE,
        Role.COLLABORATOR: _COLLABORATE | _LEAVE,
        Role.VIEW_ONLY: _VIEW | _LEAVE,
        Role.STRANGER: _SIGNED_IN,
        Role.STAFF: _SIGNED_IN | _ADMINISTER,
        Role.LINK_HOLDER: _BY_LINK,
        Role.ANONYMOUS: frozenset(),
    }
)

_SCOPES: Mapping[Scope, frozenset[Capability]] = MappingProxyType(
    {
        Scope.READ: frozenset(
            {
                Capability.LIST_VOICES,
                Capability.LIST_DOCUMENTS,
                Capability.SEE_USAGE,
                Capability.SEE_PREFERENCES,
                Capability.SEE_DOCUMENT,
                Capability.LISTEN,
                Capability.DOWNLOAD,
            }
        ),
        Scope.WRITE: frozenset(
            {
                Capability.ADD_DOCUMENT,
                Capability.CHANGE_PREFERENCES,
                Capability.REQUEST_AUDIO,
                Capability.RETRY_AUDIO,
                Capability.EDIT_PAGE,
                Capability.RENAME,
                Capability.ADD_PAGE,
                Capability.RETRY_PARSING,
                Capability.DELETE_AUDIO,
                Capability.DELETE_DOCUMENT,
            }
        ),
        Scope.SHARE: frozenset(
            {
                Capability.LIST_SHARES,
                Capability.GRANT_SHARE,
                Capability.CHANGE_SHARE,
                Capability.LEAVE_SHARE,
                Capability.MANAGE_LINKS,
            }
        ),
        Scope.ADMIN: _ADMINISTER | {Capability.MANAGE_ACCOUNT},
    }
)
_SCOPE_OF: Mapping[Capability, Scope] = MappingProxyType(
    {capability: scope for scope, some in _SCOPES.items() for capability in some}
)

# Where a plain yes says too much.
_CONDITIONS: Mapping[tuple[Role, Capability], str] = MappingProxyType(
    {
        (Role.OWNER, Capability.GRANT_SHARE): "any level",
        (Role.OWNER, Capability.CHANGE_SHARE): "any",
        (Role.OWNER, Capability.LEAVE_SHARE): "n/a",
        (Role.CAN_SHARE, Capability.GRANT_SHARE): "up to own level",
        (Role.CAN_SHARE, Capability.CHANGE_SHARE): (
            "those it granted, while it still has can_share"
        ),
    }
)


def role_of(
    user_id: UUID | None,
    owner_id: UUID,
    share_level: ShareLevel | None,
    is_staff: bool,
    *,
    by_link: bool = False,
) -> Role:
    """Return what a user is to a document; ``user_id`` is None for somebody not signed in.

    ``by_link``: it is no user who asks, but somebody with a public link of the document.

    What somebody owns or was given counts before being staff: staff are readers too. The rights of
    staff that are about no document are asked for with ``Role.STAFF``.
    """
    if user_id is None:
        return Role.ANONYMOUS
    if user_id == owner_id:
        return Role.OWNER
    if share_level is not None:
        return share_level.role
    if by_link:
        return Role.LINK_HOLDER
    return Role.STAFF if is_staff else Role.STRANGER


def allows(role: Role, capability: Capability) -> bool:
    """Tell whether the table grants a capability.

    For shares ask :func:`may_grant` and :func:`may_change_share`, which also look at the share.
    """
    return capability in CAPABILITIES[role]


def scope_of(capability: Capability) -> Scope:
    """Return the scope that a token needs for a capability."""
    return _SCOPE_OF[capability]


def is_for_staff(capability: Capability) -> bool:
    """Tell whether a capability is about no document, and staff's alone."""
    return capability in _ADMINISTER


def sees(role: Role) -> bool:
    """Tell whether the document exists for this role; otherwise the answer is 404."""
    return allows(role, Capability.SEE_DOCUMENT)


def may_grant(role: Role, level: ShareLevel) -> bool:
    """Tell whether this role may give somebody a share of ``level``."""
    if not allows(role, Capability.GRANT_SHARE):
        return False
    return role is Role.OWNER or ShareLevel(role.value).includes(level)


def may_change_share(
    role: Role, user_id: UUID, granted_by: UUID, level: ShareLevel | None = None
) -> bool:
    """Tell whether a user may change a share to ``level``, or revoke it if that is None.

    ``role`` is the user's role now: who has lost can_share cannot touch what they granted before.
    """
    if not allows(role, Capability.CHANGE_SHARE):
        return False
    if role is not Role.OWNER and user_id != granted_by:
        return False
    return level is None or may_grant(role, level)


def render_markdown() -> str:
    """Return the table for the documentation."""
    roles = list(Role)
    lines = [
        f"| capability | {' | '.join(roles)} | scope of tokens |",
        "|---" * (len(roles) + 2) + "|",
    ]
    for capability in Capability:
        cells = (*(_cell(role, capability) for role in roles), scope_of(capability))
        lines.append(f"| {capability} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(role: Role, capability: Capability) -> str:
    plain = "Y" if allows(role, capability) else "-"
    return _CONDITIONS.get((role, capability), plain)

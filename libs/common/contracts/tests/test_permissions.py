from itertools import product
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.permissions import (
    Capability,
    Role,
    Scope,
    ShareLevel,
    allows,
    is_for_staff,
    may_change_share,
    may_grant,
    render_markdown,
    role_of,
    scope_of,
    sees,
)

# Typed out from the rights table of the architecture, not from the code.
# Columns: owner, can_share, collaborator, view_only, stranger, staff, link_holder, anonymous,
# and the scope of tokens.
TABLE = {
    "LIST_VOICES": "Y Y Y Y Y Y - - read",
    "LIST_DOCUMENTS": "Y Y Y Y Y Y - - read",
    "ADD_DOCUMENT": "Y Y Y Y Y Y - - write",
    "MANAGE_ACCOUNT": "Y Y Y Y Y Y - - admin",
    "SEE_USAGE": "Y Y Y Y Y Y - - read",
    "SEE_PREFERENCES": "Y Y Y Y Y Y - - read",
    "CHANGE_PREFERENCES": "Y Y Y Y Y Y - - write",
    "SEE_DOCUMENT": "Y Y Y Y - - Y - read",
    "LISTEN": "Y Y Y Y - - Y - read",
    "DOWNLOAD": "Y Y Y Y - - - - read",
    "REQUEST_AUDIO": "Y Y Y - - - - - write",
    "RETRY_AUDIO": "Y Y Y - - - - - write",
    "EDIT_PAGE": "Y Y - - - - - - write",
    "LIST_SHARES": "Y Y - - - - - - share",
    "GRANT_SHARE": "Y Y - - - - - - share",
    "CHANGE_SHARE": "Y Y - - - - - - share",
    "LEAVE_SHARE": "- Y Y Y - - - - share",
    "MANAGE_LINKS": "Y - - - - - - - share",
    "RENAME": "Y - - - - - - - write",
    "ADD_PAGE": "Y - - - - - - - write",
    "RETRY_PARSING": "Y - - - - - - - write",
    "DELETE_AUDIO": "Y - - - - - - - write",
    "DELETE_DOCUMENT": "Y - - - - - - - write",
    "SEE_DASHBOARDS": "- - - - - Y - - admin",
    "SEE_ALERTS": "- - - - - Y - - admin",
    "SEE_AUDIT_LOG": "- - - - - Y - - admin",
    "CHANGE_SITE_SETTINGS": "- - - - - Y - - admin",
    "MANAGE_USERS": "- - - - - Y - - admin",
}
ROLES = [
    "owner",
    "can_share",
    "collaborator",
    "view_only",
    "stranger",
    "staff",
    "link_holder",
    "anonymous",
]
STAFF_ONLY = {name for name, row in TABLE.items() if row.startswith("- - - - - Y")}
CELLS = [
    (role, name, cell == "Y")
    for name, row in TABLE.items()
    for role, cell in zip(ROLES, row.split()[:-1], strict=True)
]


@pytest.mark.parametrize(("role", "name", "expected"), CELLS)
def test_every_cell(role, name, expected):
    assert allows(Role(role), Capability[name]) is expected


@pytest.mark.parametrize(("name", "row"), TABLE.items())
def test_a_capability_takes_a_scope(name, row):
    assert scope_of(Capability[name]) == Scope(row.split()[-1])
    assert is_for_staff(Capability[name]) is (name in STAFF_ONLY)


def test_the_table_is_whole():
    assert set(TABLE) == set(Capability.__members__)
    assert [role.value for role in Role] == ROLES


def test_who_may_grant_which_level():
    granted = {(role, level) for role, level in product(Role, ShareLevel) if may_grant(role, level)}
    assert granted == {
        (Role.OWNER, ShareLevel.VIEW_ONLY),
        (Role.OWNER, ShareLevel.COLLABORATOR),
        (Role.OWNER, ShareLevel.CAN_SHARE),
        (Role.CAN_SHARE, ShareLevel.VIEW_ONLY),
        (Role.CAN_SHARE, ShareLevel.COLLABORATOR),
        (Role.CAN_SHARE, ShareLevel.CAN_SHARE),
    }


@pytest.mark.parametrize("level", [None, *ShareLevel])
def test_who_may_change_or_revoke_a_share(level):
    me, other = uuid4(), uuid4()
    may = {
        (role, granted_by == me)
        for role, granted_by in product(Role, (me, other))
        if may_change_share(role, me, granted_by, level)
    }
    assert may == {(Role.OWNER, True), (Role.OWNER, False), (Role.CAN_SHARE, True)}


def test_levels_include_lower_ones():
    view_only, collaborator, can_share = ShareLevel
    assert can_share.includes(collaborator)
    assert collaborator.includes(view_only)
    assert view_only.includes(view_only)
    assert not view_only.includes(collaborator)
    assert not collaborator.includes(can_share)


def test_a_level_is_the_role_of_the_same_name():
    assert [level.role for level in ShareLevel] == [
        Role.VIEW_ONLY,
        Role.COLLABORATOR,
        Role.CAN_SHARE,
    ]


@pytest.mark.parametrize("is_staff", [False, True])
@pytest.mark.parametrize("level", [None, *ShareLevel])
def test_roles(level, is_staff):
    owner, user = uuid4(), uuid4()
    expected = Role(level.value) if level else Role.STAFF if is_staff else Role.STRANGER
    assert role_of(user, owner, level, is_staff) is expected
    assert role_of(owner, owner, level, is_staff) is Role.OWNER
    assert role_of(None, owner, level, is_staff) is Role.ANONYMOUS


def test_staff_and_strangers_do_not_see_content():
    assert {role for role in Role if sees(role)} == {
        Role.OWNER,
        Role.CAN_SHARE,
        Role.COLLABORATOR,
        Role.VIEW_ONLY,
        Role.LINK_HOLDER,
    }


def test_the_table_for_the_docs():
    lines = render_markdown().splitlines()
    assert len(lines) == 2 + len(Capability)
    assert lines[0] == (
        "| capability | owner | can_share | collaborator | view_only | stranger | staff "
        "| link_holder | anonymous | scope of tokens |"
    )
    assert "| see document, pages, status | Y | Y | Y | Y | - | - | Y | - | read |" in lines
    assert (
        "| grant a share | any level | up to own level | - | - | - | - | - | - | share |" in lines
    )
    assert (
        "| change or revoke a share | any | those it granted, while it still has can_share "
        "| - | - | - | - | - | - | share |"
    ) in lines
    assert "| leave a share | n/a | Y | Y | Y | - | - | - | - | share |" in lines


def test_users_are_who_has_the_same_id_whatever_object_holds_it():
    user = uuid4()
    again = UUID(str(user))
    assert again is not user
    assert role_of(again, user, None, False) is Role.OWNER
    assert may_change_share(Role.CAN_SHARE, again, user)
    assert not may_change_share(Role.CAN_SHARE, uuid4(), user)


def test_the_rendered_table_has_a_rule_of_as_many_columns_as_its_head():
    head, rule, *rows = render_markdown().splitlines()
    assert {line.count("|") for line in (head, rule, *rows)} == {len(Role) + 3}

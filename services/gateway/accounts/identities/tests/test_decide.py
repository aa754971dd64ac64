from itertools import product
from uuid import UUID

import pytest

from services.gateway.accounts.identities.decide import (
    MOST_IDENTITIES,
    Enter,
    Known,
    KnownUser,
    Link,
    Make,
    Refuse,
    decide,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity

ADA, BEA = UUID(int=1), UUID(int=2)


def user(user_id=ADA, **changed):
    given = {"is_disabled": False, "identities": 0, "knows_issuer": False, **changed}
    return KnownUser(user_id=user_id, **given)


def known(address="ada@example.org", **changed):
    proven = ProvenIdentity(issuer="https://site.example", subject="7", address=address)
    given = {
        "linked": None,
        "holder": None,
        "same_mailbox": False,
        "linking": None,
        "is_open": True,
        **changed,
    }
    return Known(proven=proven, **given)


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        (known(linked=user()), Enter(ADA)),
        (known(linked=user(), address=None), Enter(ADA)),
        (known(linked=user(), is_open=False), Enter(ADA)),
        (known(linked=user(is_disabled=True)), Refuse("disabled")),
        (known(linked=user(), holder=user(BEA), same_mailbox=True), Enter(ADA)),
        (known(address=None), Refuse("unverified_address")),
        (known(), Make("ada@example.org")),
        (known(is_open=False), Refuse("sign_up_closed")),
        (known(holder=user(), same_mailbox=True), Link(ADA)),
        (known(holder=user(), same_mailbox=True, is_open=False), Link(ADA)),
        (known(holder=user(), same_mailbox=False), Refuse("other_mailbox")),
        (known(holder=user(is_disabled=True), same_mailbox=True), Refuse("disabled")),
        (known(holder=user(knows_issuer=True), same_mailbox=True), Refuse("other_identity")),
        (
            known(holder=user(identities=MOST_IDENTITIES), same_mailbox=True),
            Refuse("too_many"),
        ),
        (known(linking=user()), Link(ADA)),
        (known(linking=user(), address=None, is_open=False), Link(ADA)),
        (known(linking=user(knows_issuer=True)), Link(ADA)),
        (known(linking=user(), holder=user(BEA), same_mailbox=True), Link(ADA)),
        (known(linking=user(), linked=user()), Enter(ADA)),
        (known(linking=user(), linked=user(BEA)), Refuse("somebody_elses")),
        (known(linking=user(is_disabled=True)), Refuse("disabled")),
        (known(linking=user(identities=MOST_IDENTITIES)), Refuse("too_many")),
    ],
)
def test_what_is_decided(what, outcome):
    assert decide(what) == outcome


def every_case():
    some = [None, user(), user(is_disabled=True), user(BEA), user(BEA, knows_issuer=True)]
    for linked, holder, linking in product(some, some, some):
        for same, is_open, address in product([True, False], [True, False], ["a@b.example", None]):
            given = {"linked": linked, "holder": holder, "linking": linking}
            yield known(address, **given, same_mailbox=same, is_open=is_open)


def test_whatever_is_known_nobody_enters_who_must_not():
    for case in every_case():
        outcome = decide(case)
        people = [one for one in (case.linked, case.holder, case.linking) if one is not None]
        if isinstance(outcome, Enter | Link):
            assert any(one.user_id == outcome.user_id and not one.is_disabled for one in people)
        if isinstance(outcome, Enter):
            assert case.linked is not None
            assert case.linked.user_id == outcome.user_id
        if isinstance(outcome, Link):
            assert case.linked is None
            by_address = case.proven.address is not None and case.same_mailbox
            assert case.linking is not None or (by_address and case.holder is not None)
        if isinstance(outcome, Make):
            assert (case.linked, case.holder, case.linking) == (None, None, None)
            assert case.is_open
            assert case.proven.address is not None

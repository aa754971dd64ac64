from uuid import uuid4

from libs.common.contracts.permissions import Scope
from services.gateway.accounts import callers
from services.gateway.accounts.callers import KNOWN_FOR_S, Caller, KnownCallers, digest_of


def somebody():
    scopes = frozenset({Scope.READ})
    return Caller(user_id=uuid4(), name="laptop", scopes=scopes, is_staff=False)


def test_a_caller_is_known_for_seconds_and_no_longer():
    now = [0.0]
    known, ada = KnownCallers(clock=lambda: now[0]), somebody()
    assert known.find("a") is None
    known.remember("a", ada, since=0)
    now[0] += KNOWN_FOR_S - 0.1
    assert known.find("a") is ada
    assert known.find("b") is None
    now[0] += 0.1
    assert known.find("a") is None


def test_whoever_is_forgotten_is_looked_up_again():
    known, ada, bea = KnownCallers(), somebody(), somebody()
    for digest, caller in (("a", ada), ("also a", ada), ("b", bea)):
        known.remember(digest, caller, since=0)
    known.forget(ada.user_id)
    assert [known.find(digest) for digest in ("a", "also a", "b")] == [None, None, bea]


def test_what_was_looked_up_before_something_was_forgotten_is_not_known():
    known, ada = KnownCallers(), somebody()
    since = known.forgotten
    known.forget(ada.user_id)
    known.remember("a", ada, since=since)
    assert known.find("a") is None
    known.remember("a", ada, since=known.forgotten)
    assert known.find("a") is ada


def test_only_so_many_are_known(monkeypatch):
    monkeypatch.setattr(callers, "MOST_KNOWN", 3)
    known, ada = KnownCallers(), somebody()
    for digest in "abcad":
        known.remember(digest, ada, since=0)
    assert [known.find(digest) is ada for digest in "abcd"] == [True, False, True, True]


def test_a_credential_is_stored_as_what_does_not_tell_it():
    assert digest_of("lectern_x") == digest_of("lectern_x") != digest_of("lectern_y")
    assert len(digest_of("lectern_x")) == 64

import pytest

from libs.common.errors import LecternError, Permanent, Rejected
from services.gateway.kernel.errors import Forbidden, NotFound, NotReady, QuotaExceeded, Stale


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (NotFound("page"), "not_found"),
        (NotReady("The page is not spoken yet."), "not_ready"),
        (QuotaExceeded("You have 3 of 3 documents."), "quota_exceeded"),
        (Stale("The page has changed."), "stale"),
        (Forbidden("Only its owner may delete it."), "forbidden"),
    ],
)
def test_each_has_a_code_of_its_own_and_does_not_pass_by_itself(
    problem: LecternError, code: str
) -> None:
    assert problem.code == code
    assert isinstance(problem, Permanent)


def test_what_is_not_found_is_named() -> None:
    assert str(NotFound("document")) == "There is no such document."


def test_others_say_what_they_were_told() -> None:
    assert str(Stale("The page has changed.")) == "The page has changed."
    assert str(QuotaExceeded("You have 3 of 3 documents.")) == "You have 3 of 3 documents."


def test_a_full_quota_refuses_what_was_handed_in() -> None:
    assert isinstance(QuotaExceeded("Too much."), Rejected)

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.passwords.password_rules import LONGEST, check_password

ADA = "Ada.Lovelace@example.org"
GOOD = "correct horse 7"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("seven77", "8 to 128"),
        ("x" * (LONGEST + 1), "8 to 128"),
        ("83746501928", "digits alone"),
        ("password1", "many people use"),
        ("PASSWORD1", "many people use"),
        ("  iloveyou2 ", "many people use"),
        ("lovelace1", "like the mail address"),
        ("ada.lovelace@example.org", "like the mail address"),
        ("Lectern2026", "like what it is for"),
        ("my-podcast", "like what it is for"),
    ],
)
def test_what_is_easily_guessed_is_refused(password, why):
    with pytest.raises(Rejected, match=why) as refused:
        check_password(password, password, ADA)
    assert refused.value.code == "weak_password"


@pytest.mark.parametrize(
    "password", [GOOD, "пароль, которого нет", "x" * 50 + "lovelace" * 9 + "y"]
)
def test_others_are_taken(password):
    check_password(password, password, ADA)


def test_it_is_typed_twice():
    with pytest.raises(Rejected, match="not the same"):
        check_password(GOOD, GOOD + "!", ADA)

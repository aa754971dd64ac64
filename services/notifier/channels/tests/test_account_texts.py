from typing import get_args

import pytest

from libs.common.contracts.accounts import MailKind
from libs.common.contracts.details import MailDetails
from services.notifier.channels.account_texts import account_mail_text, has_link

LINK = "https://lectern.example.org/links/x/y"
KINDS = get_args(MailKind)


def details(about=None):
    return MailDetails(address="ada@example.org", language="en", about_address=about)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words_and_a_link_where_it_is_good_for_something(kind):
    text = account_mail_text(kind, details(), LINK)
    assert text.subject
    assert "Lectern" in text.subject + text.body
    assert (LINK in text.body.splitlines()) == has_link(kind)


def test_what_is_told_to_who_has_an_account_leads_nowhere():
    assert {kind for kind in KINDS if not has_link(kind)} == {
        "already_registered",
        "address_changed",
        "address_confirmed",
        "login_added",
        "login_removed",
        "password_changed",
    }


def test_foreign_addresses_are_one_line():
    body = account_mail_text("address_changed", details("eve@example.org\n\nClick here"), None).body
    assert "eve@example.org Click here" in body

from uuid import UUID, uuid4

import pytest

from libs.common.mail_links import MailLinks

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters!"
MAIL = UUID("5f3e6d0a-9c1b-4c52-8f2e-2f6d1f5b7a10")


def secret(links, mail=MAIL):
    return links.path(mail).rpartition("/")[2]


def test_the_secret_of_a_mail_is_its_own_and_always_the_same():
    links = MailLinks.read(NEW)
    assert secret(links) == secret(MailLinks.read(f" {NEW} "))
    assert len(secret(links)) == 43
    assert links.path(MAIL) == f"/links/{MAIL}/{secret(links)}"
    assert links.has_secret(MAIL, secret(links))
    assert not links.has_secret(uuid4(), secret(links))


@pytest.mark.parametrize("given", ["", "x" * 43, "é", "\ud800", "x" * 10_000])
def test_what_is_no_secret_is_refused(given):
    assert not MailLinks.read(NEW).has_secret(MAIL, given)


def test_keys_can_be_changed():
    before, meanwhile, after = (MailLinks.read(keys) for keys in (OLD, f"{NEW},{OLD}", NEW))
    assert meanwhile.has_secret(MAIL, secret(before))
    assert secret(meanwhile) == secret(after) != secret(before)
    assert not after.has_secret(MAIL, secret(before))


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{NEW},short"])
def test_a_key_is_long_enough(keys):
    with pytest.raises(ValueError, match="32 characters"):
        MailLinks.read(keys)


def test_keys_are_not_shown():
    assert NEW not in repr(MailLinks.read(NEW))

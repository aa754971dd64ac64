from uuid import uuid4

import pytest

from libs.common.mail_links import MailLinks
from libs.common.observability.redaction import Redactor
from services.gateway.audio.playback.signed_links import PlaybackLink, checked_link

KEYS = MailLinks.read("a key for the tests of thirty-two characters")
OTHER = MailLinks.read("another key for tests of thirty-two characters")
LINK = PlaybackLink(audio_id=uuid4(), user_id=uuid4(), expires_s=1000)
SIGNED = LINK.signed(KEYS)


def test_a_link_is_good_until_it_expires_and_for_its_audio_alone():
    assert checked_link(LINK.audio_id, SIGNED, KEYS, 999.9) == LINK
    assert checked_link(LINK.audio_id, SIGNED, KEYS, 1000.0) is None
    assert checked_link(uuid4(), SIGNED, KEYS, 1.0) is None
    assert checked_link(LINK.audio_id, SIGNED, OTHER, 1.0) is None
    assert checked_link(LINK.audio_id, SIGNED, None, 1.0) is None


def test_a_key_that_is_being_replaced_is_good():
    both = MailLinks([*OTHER.keys, *KEYS.keys])
    assert checked_link(LINK.audio_id, SIGNED, both, 1.0) == LINK


def test_nothing_of_it_can_be_changed():
    until, user, signature = SIGNED.split(".")
    for changed in (
        f"9999.{user}.{signature}",
        f"{until}.{uuid4()}.{signature}",
        f"{until}.{user}.{signature[:-1]}",
        f"{until}.{user}.",
    ):
        assert checked_link(LINK.audio_id, changed, KEYS, 1.0) is None


@pytest.mark.parametrize(
    "given", ["", "..", "a.b.c", "1.2.3", "1.2.3.4", "²." * 2, "\ud800", "1" * 999]
)
def test_what_is_no_link(given):
    assert checked_link(LINK.audio_id, given, KEYS, 1.0) is None


def test_it_is_not_the_secret_of_a_mail():
    _, _, signature = SIGNED.split(".")
    assert not KEYS.has_secret(LINK.audio_id, signature)


def test_no_log_shows_it():
    line = f"GET /api/v1/audios/{LINK.audio_id}/playback?signature={SIGNED}&format=m4a"
    shown = Redactor().text(line)
    assert SIGNED.split(".")[2] not in shown
    assert "format=m4a" in shown

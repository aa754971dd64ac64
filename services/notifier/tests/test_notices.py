from services.notifier.notices import TYPES, Identities, Notice, Target
from services.notifier.tests.samples import (
    DOCUMENT,
    IDENTITIES,
    OWNER,
    audio_ready,
    audiobook_ready,
    narration_completed,
    task_failed,
)

HOOK = Target("webhook", "https://user:pw@hooks.example.org:8443/x?token=sesame", frozenset(TYPES))
MAIL = Target("mail", "Ann <ann@example.org>", frozenset(TYPES))


def test_identity_is_one_for_each_event_and_target():
    one, other = audio_ready(), audio_ready()
    ids = {
        IDENTITIES.of_notice(event.event_id, target)
        for event in (one, other)
        for target in (HOOK, MAIL)
    }
    assert len(ids) == 4
    assert IDENTITIES.of_notice(one.event_id, HOOK) in ids


def test_an_identity_tells_nobody_who_guesses_an_address_that_it_is_right():
    """All else that it is made of is in the event: only the secret is not."""
    event, others = audio_ready(), Identities(bytes(range(1, 33)))
    assert others.of_notice(event.event_id, MAIL) != IDENTITIES.of_notice(event.event_id, MAIL)
    assert others.of_target(MAIL) != IDENTITIES.of_target(MAIL)
    assert str(IDENTITIES.secret) not in repr(IDENTITIES)


def test_what_is_shown_of_a_target_is_its_host():
    assert (HOOK.shown, MAIL.shown) == ("hooks.example.org", "example.org")
    assert "sesame" not in repr(HOOK) + IDENTITIES.of_target(HOOK)
    assert "ann@" not in repr(MAIL)


def test_the_notice_survives_the_jobs_table():
    event = audiobook_ready()
    notice = Notice.of(event, HOOK, IDENTITIES)
    stored = notice.model_dump_json()
    assert Notice.model_validate_json(stored) == notice
    assert Notice.model_validate_json(stored).event == event
    assert "sesame" not in stored


def test_the_worker_finds_document_owner_and_page():
    notice = Notice.of(audio_ready(page=7), HOOK, IDENTITIES)
    assert (notice.document_id, notice.owner_id, notice.page) == (DOCUMENT, OWNER, 7)
    nowhere = Notice.of(task_failed(document_id=None, owner_id=None, page=None), HOOK, IDENTITIES)
    assert (nowhere.document_id, nowhere.owner_id, nowhere.page) == (None, None, None)
    whole = Notice.of(narration_completed(), MAIL, IDENTITIES)
    assert (whole.document_id, whole.owner_id, whole.page) == (DOCUMENT, OWNER, None)

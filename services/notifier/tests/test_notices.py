from services.notifier.notices import TYPES, Notice, Target, notification_id
from services.notifier.tests.samples import (
    DOCUMENT,
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
        notification_id(event.event_id, target) for event in (one, other) for target in (HOOK, MAIL)
    }
    assert len(ids) == 4
    assert notification_id(one.event_id, HOOK) in ids


def test_what_is_shown_of_a_target_is_its_host():
    assert (HOOK.shown, MAIL.shown) == ("hooks.example.org", "example.org")
    assert "sesame" not in repr(HOOK) + HOOK.key
    assert "ann@" not in repr(MAIL)


def test_the_notice_survives_the_jobs_table():
    event = audiobook_ready()
    notice = Notice.of(event, HOOK)
    stored = notice.model_dump_json()
    assert Notice.model_validate_json(stored) == notice
    assert Notice.model_validate_json(stored).event == event
    assert "sesame" not in stored


def test_the_worker_finds_document_owner_and_page():
    notice = Notice.of(audio_ready(page=7), HOOK)
    assert (notice.document_id, notice.owner_id, notice.page) == (DOCUMENT, OWNER, 7)
    nowhere = Notice.of(task_failed(document_id=None, owner_id=None, page=None), HOOK)
    assert (nowhere.document_id, nowhere.owner_id, nowhere.page) == (None, None, None)
    whole = Notice.of(narration_completed(), MAIL)
    assert (whole.document_id, whole.owner_id, whole.page) == (DOCUMENT, OWNER, None)

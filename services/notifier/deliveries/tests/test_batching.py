from dataclasses import replace

from services.notifier.deliveries.batching import DeliverySchedule, batch_of, batched, pages_of
from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tests import samples

ANN = Target("mail", "ann@example.org", frozenset(TYPES))
BOB = Target("mail", "bob@example.org", frozenset(TYPES))
SCHEDULE = DeliverySchedule(max_attempts=1, batch_wait_ms=60, batch_interval_ms=3600)


def row(page: int | None = 1, *, now_ms: int = 1000) -> DeliveryRow:
    notice = Notice.of(samples.task_failed(page=page), ANN, samples.IDENTITIES)
    return DeliveryRow.due(notice, ANN.shown, now_ms=now_ms)


def test_the_first_of_a_batch_begins_a_mail_and_waits_for_others():
    placed = batched(row(), "b", SCHEDULE, newest_mail=None, open_mail=None)
    assert (placed.batch, placed.told_by, placed.due_at_ms) == ("b", None, 1060)


def test_the_next_ones_join_it():
    mail = replace(row(), due_at_ms=1060)
    placed = batched(row(now_ms=1050), "b", SCHEDULE, newest_mail=mail, open_mail=mail)
    assert (placed.told_by, placed.due_at_ms) == (mail.notification_id, 1060)


def test_after_a_mail_the_next_one_keeps_its_distance():
    mail = replace(row(), due_at_ms=1060, status="sent")
    soon = batched(row(now_ms=1100), "b", SCHEDULE, newest_mail=mail, open_mail=None)
    late = batched(row(now_ms=9000), "b", SCHEDULE, newest_mail=mail, open_mail=None)
    assert (soon.told_by, soon.due_at_ms) == (None, 4660)
    assert (late.told_by, late.due_at_ms) == (None, 9060)


def test_a_batch_is_of_one_target_and_type():
    failed, task = samples.audio_failed(), samples.task_failed()
    batches = {
        batch_of(Notice.of(event, target, samples.IDENTITIES), sameness)
        for event in (failed, task)
        for target in (ANN, BOB)
        for sameness in ("x", "y")
    }
    assert len(batches) == 8
    other_page = Notice.of(samples.audio_failed(2), ANN, samples.IDENTITIES)
    assert batch_of(other_page, "x") in batches


def test_pages_are_told_once_and_in_their_order():
    assert pages_of([row(7), row(None), row(2), row(7)]) == [2, 7]

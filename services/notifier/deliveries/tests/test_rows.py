from uuid import uuid4

from services.notifier.deliveries.rows import DeliveryRow
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tables import deliveries
from services.notifier.tests import samples
from services.notifier.tests.samples import OWNER

HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))


def row(**changes: object) -> DeliveryRow:
    notice = Notice.of(samples.task_failed(**changes), HOOK, samples.IDENTITIES)
    return DeliveryRow.due(notice, HOOK.shown, now_ms=7)


def test_a_row_has_the_columns_of_the_table():
    assert list(row().values()) == [column.name for column in deliveries.columns]


def test_what_is_written_is_read_back():
    nowhere = row(document_id=None, owner_id=None, page=None)
    for delivery in (row(), nowhere, row().expired()):
        assert DeliveryRow.of(delivery.values()) == delivery
        assert {type(value) for value in delivery.values().values()} <= {str, int, type(None)}
    in_batch = row().in_batch("b", due_at_ms=9, told_by=uuid4())
    assert DeliveryRow.of(in_batch.values()) == in_batch


def test_whose_document_it_is_is_recorded():
    assert (row().owner_id, row(owner_id=None).owner_id) == (OWNER, None)


def test_an_expired_one_is_finished():
    assert (row().expired().status, row().expired().finished_at_ms) == ("expired", 7)


def test_the_host_of_a_target_is_cut_to_its_column():
    notice = Notice.of(samples.task_failed(), HOOK, samples.IDENTITIES)
    long = DeliveryRow.due(notice, "x" * 300, now_ms=7)
    assert long.target == "x" * 255

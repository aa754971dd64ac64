from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import services.notifier
from libs.common.contracts.accounts import AccountMailRequested, UserAddressAdded, UserEvent
from libs.common.contracts.catalog import events_below
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.notifications import NotificationFailed
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Permanent
from libs.common.observability.metrics import Metrics
from libs.common.processing.consumer import Consumer
from libs.common.processing.dead_letters import DeadLetters
from libs.common.processing.erasing import ERASE, EraseJob, Eraser
from libs.common.processing.job_kind import Job
from libs.common.store.effects import Effect
from libs.common.testing.records import record
from services.notifier.app import CONSUMES
from services.notifier.deliveries.jobs import WEBHOOK
from services.notifier.handlers import Notifier
from services.notifier.notices import TOLD, TYPES, Notice, Target, Told
from services.notifier.recipients import Recipients
from services.notifier.tests import samples
from services.notifier.tests.world import World

ANN = Target("mail", "ann@example.org", frozenset(TYPES))
BOB = Target("mail", "bob@example.org", frozenset({"audiobook.ready"}))
HOOK = Target("webhook", "https://hooks.example.org/x", frozenset(TYPES))


DELETED = DocumentDeleted(
    document_id=samples.DOCUMENT, owner_id=samples.OWNER, deleted_by=samples.OWNER
)


def notifier(world: World, *targets: Target) -> Notifier:
    return Notifier(
        targets=targets,
        schedule=samples.SCHEDULE,
        max_age=timedelta(days=7),
        secret=world.secret,
        recipients=Recipients(world.storage),
    )


class NoDeadLetters:
    async def send_and_wait(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing here is given up")


async def test_every_target_gets_a_job_of_its_own(world):
    event = samples.audiobook_ready()
    await world.tell(event, targets=[ANN, BOB, HOOK])
    jobs = await world.jobs()
    assert [job.kind for job in jobs] == ["mail", "mail", "webhook"]
    notices = [Notice.model_validate_json(job.payload) for job in jobs]
    identities = await world.secret.identities()
    keys = [identities.of_target(target) for target in (ANN, BOB, HOOK)]
    assert [notice.target_key for notice in notices] == keys
    assert all(job.subject.startswith(f"notice/{samples.DOCUMENT}/") for job in jobs)
    rows = await world.deliveries()
    assert {row.notification_id for row in rows} == {notice.notification_id for notice in notices}
    assert {row.target for row in rows} == {"example.org", "hooks.example.org"}
    assert {(row.status, row.attempts) for row in rows} == {("waiting", 0)}


async def test_only_who_wants_the_type_is_told(world):
    await world.tell(samples.audio_ready(), targets=[BOB, HOOK])
    assert [job.kind for job in await world.jobs()] == ["webhook"]


@pytest.mark.parametrize(
    "event", [samples.audiobook_ready(), samples.audio_failed(), samples.narration_completed()]
)
async def test_the_same_event_twice_is_one_job(world, event):
    await world.tell(event, event, targets=[ANN, HOOK])
    assert len(await world.jobs()) == 2
    assert len(await world.deliveries()) == 2


async def test_through_the_consumer_too(world):
    routes = notifier(world, ANN, HOOK).routes()
    consumer = Consumer(
        database=world.database,
        storage=world.storage,
        service="notifier",
        routes=routes,
        dead_letters=DeadLetters(
            NoDeadLetters(),
            "notifier",
            max_in_place_s=60.0,
        ),
        metrics=Metrics("notifier"),
        max_attempts=5,
        max_in_place_s=60.0,
        max_consecutive_bugs=10,
    )
    event = samples.document_rejected()
    for _ in range(2):
        await consumer.take([record(event)])
    assert len(await world.jobs()) == 2


async def test_an_end_of_a_narration_waits_for_no_other(world):
    await world.tell(samples.narration_completed(), samples.narration_failed(), targets=[ANN])
    assert {job.run_at_ms - job.created_at_ms for job in await world.jobs()} == {0}
    assert {row.told_by for row in await world.deliveries()} == {None}


async def test_whose_document_it_is_is_recorded(world):
    events: list[Told] = [samples.audio_failed(), samples.task_failed(owner_id=None)]
    await world.tell(*events, targets=[ANN, HOOK])
    found = {(row.event_id, row.owner_id) for row in await world.deliveries()}
    assert found == {(event.event_id, event.owner_id) for event in events}
    notices = [Notice.model_validate_json(job.payload) for job in await world.jobs()]
    assert {(notice.about, notice.owner_id) for notice in notices} == found


async def test_old_news_is_recorded_and_not_told(world):
    event = samples.audiobook_ready(occurred_at=datetime.now(UTC) - timedelta(days=8))
    await world.tell(event, targets=[ANN, HOOK])
    assert await world.jobs() == []
    assert {row.status for row in await world.deliveries()} == {"expired"}


@pytest.mark.parametrize(
    ("service", "kind", "told"),
    [
        ("segmenter", "segment", True),
        ("ingest", "document.submitted", True),
        ("ingest", "erase", True),
        ("gateway", "audio.ready", True),
        ("ingest", "fetch", False),
        ("ingest", "parse", False),
        ("synth", "speak", False),
        ("synth", "bind", False),
        ("notifier", "mail", False),
        ("notifier", "webhook", False),
        ("notifier", "audio.ready", False),
    ],
)
async def test_failures_are_told_once_and_never_our_own(world, service, kind, told):
    event = samples.task_failed(service=service, kind=kind)
    assert bool(await notifier(world, HOOK).tell_task(event)) is told


async def erasures(world: World) -> list[str]:
    """The prefixes that are to be emptied."""
    return [
        EraseJob.model_validate_json(job.payload).prefix
        for job in await world.jobs()
        if job.kind == ERASE.name
    ]


async def test_what_is_stored_about_a_deleted_document_is_erased(world):
    """Others may have removed their objects long before."""
    await world.apply(await notifier(world).deleted(DELETED))
    assert await erasures(world) == [f"documents/{samples.DOCUMENT}/"]


async def test_a_delivery_that_is_given_up_after_the_deletion_leaves_no_object(world):
    """The objects are removed and nobody looks again; the notice is told of all the same."""
    await world.apply(await notifier(world).deleted(DELETED))
    await world.work([ERASE.done_by(Eraser(world.storage, sweep_after_s=3600.0).erase)])
    await world.tell(samples.narration_failed(), targets=[HOOK])
    await world.work([WEBHOOK.done_by(never)])
    assert world.storage.objects == {}
    failed, task = await world.events()
    assert isinstance(failed, NotificationFailed)
    assert isinstance(task, TaskFailed)
    assert (task.document_id, task.details) == (samples.DOCUMENT, None)


async def never(job: Job[Notice]) -> Sequence[Effect]:
    raise Permanent("the receiver is gone")


async def test_the_docstring_names_the_routes(world):
    consumes = (services.notifier.__doc__ or "").split("Consumes:")[1].split("Produces:")[0]
    routes = notifier(world).routes()
    assert {route.event.__name__ for route in routes} == set(consumes.replace(",", " ").split())
    of_accounts = {AccountMailRequested, *events_below(UserEvent)}
    of_accounts -= {UserAddressAdded}  # they are written to as before
    wanted = {*TOLD, DocumentDeleted, ShareMailRequested, *of_accounts}
    assert {route.event for route in routes} == wanted == set(CONSUMES)

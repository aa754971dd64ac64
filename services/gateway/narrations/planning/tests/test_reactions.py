from uuid import uuid4

from libs.common.contracts.tasks import TaskFailed
from libs.common.store.effects import Together
from services.gateway.narrations.planning.reactions import REACTIONS


def failed(service, page):
    return TaskFailed(
        task_id=uuid4(),
        service=service,
        kind="k",
        document_id=uuid4(),
        page=page,
        code="c",
        attempts=1,
        fingerprint="0" * 16,
        owner_id=None,
        requested_by=None,
        about_stream=None,
        details=None,
    )


async def test_only_a_page_that_cannot_be_cut_is_given_up(world):
    react = REACTIONS[TaskFailed]
    assert len(react(world.kernel, failed("synth", 1))) == 2
    assert len(react(world.kernel, failed("segmenter", None))) == 2
    effects = react(world.kernel, failed("segmenter", 1))
    assert [isinstance(effect, Together) for effect in effects] == [True, True, True]


async def test_what_several_events_lead_to_is_one_step_after_the_owners_are_locked(world):
    """Steps are shared by equality: else a batch would dispatch once for each of its events."""
    for kind, react in REACTIONS.items():
        if kind is TaskFailed:
            continue
        ids = {name: uuid4() for name in kind.model_fields if name.endswith("_id")}
        event = kind.model_construct(None, page=1, **ids)  # type: ignore[arg-type]
        effects = [*react(world.kernel, event), *react(world.kernel, event)]
        shared = [effect for effect in effects if isinstance(effect, Together)]
        assert (len(shared), len({effect.step for effect in shared})) == (4, 2), kind
        assert [effect.turn == "first" for effect in shared] == [True, False] * 2, kind

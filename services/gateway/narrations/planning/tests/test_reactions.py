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
        reason="r",
        attempts=1,
        fingerprint="f",
    )


async def test_only_a_page_that_cannot_be_cut_is_given_up(world):
    react = REACTIONS[TaskFailed]
    assert react(world.kernel, failed("synth", 1)) == []
    assert react(world.kernel, failed("segmenter", None)) == []
    effects = react(world.kernel, failed("segmenter", 1))
    assert [isinstance(effect, Together) for effect in effects] == [True, True]


async def test_what_several_events_lead_to_is_one_step_after_the_owners_are_locked(world):
    """Steps are shared by equality: else a batch would dispatch once for each of its events."""
    for kind, react in REACTIONS.items():
        if kind is TaskFailed:
            continue
        event = kind.model_construct(document_id=uuid4())
        effects = [*react(world.kernel, event), *react(world.kernel, event)]
        shared = [effect for effect in effects if isinstance(effect, Together)]
        assert (len(effects), len({effect.step for effect in shared})) == (4, 2), kind
        assert [effect.turn == "first" for effect in shared] == [True, False] * 2, kind

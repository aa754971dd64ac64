import pytest

from libs.common.contracts.audio import AudioRequested
from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.outcomes.missing import ranges_without


@pytest.mark.parametrize(
    ("pages", "without", "left"),
    [
        ((1, 2, 3), (), (1, 2, 3)),
        ((1, 2, 3), (1, 2, 3), ()),
        ((1, 2, 3, 4, 5, 8, 9), (1, 3, 6, 9), (2, 4, 5, 8)),
        ((4, 5), (1, 2, 9), (4, 5)),
        ((), (1,), ()),
    ],
)
def test_what_is_left_of_ranges(pages, without, left):
    assert tuple(ranges_without(page_ranges(pages), without)) == page_ranges(left)


@pytest.mark.slow
async def test_failures_are_listed_some_at_a_time(world):
    document = await world.hand_in()
    await world.read(document, 5)
    narration = await world.narrations.narrate(world.owner, document, NarrationOptions())
    for asked in await world.decided(AudioRequested):
        if asked.page == 3:
            await world.speak(asked)
        else:
            await world.fail(asked, f"code_{asked.page}")
    failures = world.narration_queries.failures
    first = await failures(world.owner, narration, 2)
    assert ([page.code for page in first.items], first.following) == (["code_1", "code_2"], "2")
    second = await failures(world.owner, narration, 2, int(first.following))
    assert ([page.code for page in second.items], second.following) == (["code_4", "code_5"], None)

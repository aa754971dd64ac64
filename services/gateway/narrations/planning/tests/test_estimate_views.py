from decimal import Decimal

from libs.common.contracts.audio import VoiceInfo, VoicesAnnounced
from services.gateway.kernel.prices import Prices
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.estimate_views import estimate_view
from services.gateway.narrations.planning.estimating import estimate_order

POLLY = VoicesAnnounced(
    engine="polly",
    voices=(VoiceInfo(id="Joanna", name="Joanna", language="en", gender=None),),
    default_voice="Joanna",
    is_default_engine=False,
)


async def test_each_engine_has_its_price_and_what_was_spoken_counts_for_its_own(world):
    await world.take(POLLY)
    document = await world.hand_in()
    await world.read(document, 2)
    await world.narrations.narrate(world.owner, document, NarrationOptions(voice="en"))
    await world.speak_everything()
    found = await estimate_order(world.kernel, world.owner, document, NarrationOptions())
    told = estimate_view(found, Prices.read("polly=16", "USD"))
    assert [(cost.engine, cost.characters, cost.amount, cost.currency) for cost in told.costs] == [
        ("espeak", 0, None, None),
        ("polly", 24, Decimal("0.0004"), "USD"),
    ]
    assert told.minutes == 0.05

"""Each service is killed once in the middle of its work and started again."""

from collections import Counter

import pytest

from deploy.native.services import SERVICES
from tests.faults.holding import held
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled
from tests.journeys.person import book, somebody

ORDER = {"audiobook": "m4b", "engine": "openai"}


@pytest.mark.parametrize("service", SERVICES)
async def test_killed_before_it_commits(deployment: Deployment, service: str) -> None:
    title = f"The Death of {service.title()}"
    async with somebody(deployment) as person:
        async with held(deployment, service) as hold:
            document, narration = await person.submit_file("k.md", book(title), ORDER)
            await hold.wait_for_somebody()
            deployment.kill(service)
        deployment.start_missing()
        await person.finished(narration)
        await check_nothing_lost_or_doubled(deployment)
        assert len(await person.audios(document)) == 3
    spoken = Counter(sentence for sentence in deployment.world.spoken if title in sentence)
    assert spoken
    again = [sentence for sentence, times in spoken.items() if times > 1]
    # Of what was being spoken just then, of other pages, nobody hears any more.
    at_once = int(deployment.environment["SYNTH_NETWORK_WORKERS"])
    assert len(again) <= (at_once if service == "synth" else 0), "sentences were spoken twice"
    deliveries = Counter(
        hook.webhook_id for hook in deployment.world.hooks if hook.data["document_id"] == document
    )
    assert len(deliveries) == 5  # three pages, the audiobook, the end
    if service == "notifier":  # it was killed between the receiver's answer and its commit
        assert 1 < max(deliveries.values()) <= 2


async def test_synth_is_killed_while_it_speaks(deployment: Deployment) -> None:
    title = "The Silence"
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        await person.finished((await person.submit_file("c.md", b"# A word\n\nOne.", ORDER))[1])
        with gate.shut():
            _, narration = await person.submit_file("k.md", book(title), ORDER)
            gate.wait_for_somebody()
            deployment.kill("synth")
        deployment.start_missing()
        await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)
    again = [
        sentence
        for sentence, n in Counter(deployment.world.spoken).items()
        if n > 1 and title in sentence
    ]
    assert len(again) <= int(deployment.environment["SYNTH_NETWORK_WORKERS"])

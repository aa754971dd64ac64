"""Replicas come and go while jobs run."""

import asyncio
from collections import Counter

from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled
from tests.journeys.person import Person, book, somebody

ORDER = {"audiobook": "m4b", "engine": "openai"}
BOOKS = 4


async def test_a_second_replica_takes_over(deployment: Deployment) -> None:
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        with gate.shut():
            narrations = await _submit(person, "First")
            gate.wait_for_somebody()
            deployment.start("ingest-2", "synth-2")
            await asyncio.to_thread(deployment.wait_until_ready, "ingest-2", "synth-2")
            narrations += await _submit(person, "Second")
            for name in ("ingest", "synth"):
                deployment.ask_to_stop(name)
        for name in ("ingest", "synth"):
            code, _ = await asyncio.to_thread(deployment.stop, name)
            assert code == 0, deployment.log_of(name)[-2000:]
        narrations += await _submit(person, "Third")
        for narration in narrations:
            await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)
    spoken = Counter(sentence for sentence in deployment.world.spoken if "Rebalanced" in sentence)
    assert len(spoken) == 3 * BOOKS * 2 * 5, "every sentence of every book was spoken"


async def _submit(person: Person, name: str) -> list[str]:
    found = []
    for number in range(BOOKS):
        content = book(f"Rebalanced {name} {number}", chapters=2)
        found.append((await person.submit_file("r.md", content, ORDER))[1])
    return found

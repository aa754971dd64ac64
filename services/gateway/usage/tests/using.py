"""What tests of usage share."""

from libs.common.testing.costs.loop_watchdog import not_counted


async def usage(world):
    with not_counted():  # it reads the certificates of the machine
        client = world.client()
    async with client:
        answer = await client.get("/usage")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def characters(world):
    told = (await usage(world))["characters"]
    return {name: told[name] for name in ("used", "reserved", "left", "limit")}


async def document_of(world, *sizes):
    """A document that was read, with so many characters on each page."""
    document = await world.hand_in()
    for page, size in enumerate(sizes, start=1):
        await world.extract(document, page)
        await world.cut(document, page, characters=size)
    await world.parse(document, len(sizes))
    return document

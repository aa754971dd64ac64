"""Which service tells which other what: a Mermaid flowchart and tables, made from the routes.

Publishers and consumers map the name of a service to event classes, for this module imports none.
Source of the notation: Mermaid's flowchart syntax.
"""

from collections.abc import Iterable, Iterator

from lectern.generate.asyncapi import Services, key_of
from libs.common.contracts.base import DAY_MS, FOREVER, Event
from libs.common.contracts.catalog import every_event

ANY = "any"
STRANGERS = "strangers"


def flowchart(publishers: Services, consumers: Services) -> str:
    """Return the chart: an arrow from publisher to consumer, labeled with the topics.

    What every service publishes comes from one dashed node, or it would cross everything else.
    """
    lines = ["flowchart LR", *(f"    {name}[{name}]" for name in _names(publishers, consumers))]
    everywhere = _everywhere(publishers)
    for service, events in publishers.items():
        own = [event for event in events if event not in everywhere]
        lines += _arrows(service, own, consumers, "-->")
    if everywhere:
        lines.append(f"    {ANY}([any service])")
        lines += _arrows(ANY, everywhere, consumers, "-.->")
    public = {
        service: [event for event in events if event.public]
        for service, events in publishers.items()
    }
    if any(public.values()):
        lines.append(f"    {STRANGERS}([whoever subscribes])")
        for service, events in public.items():
            lines += _arrow(service, STRANGERS, events, "==>")
    return "\n".join(lines) + "\n"


def service_table(publishers: Services, consumers: Services) -> str:
    """Return the table of services: what each consumes and publishes."""
    rows = [
        f"| {name} | {_topics(consumers.get(name, ()))} | {_topics(publishers.get(name, ()))} |"
        for name in _names(publishers, consumers)
    ]
    return "\n".join(["| service | consumes | publishes |", "|---|---|---|", *rows]) + "\n"


def event_table(publishers: Services, consumers: Services) -> str:
    """Return the table of all events: who publishes and consumes each, and its topic."""
    head = (
        "| topic | says | published by | consumed by | key | stream | partitions | kept | version |"
    )
    rows = [
        f"| `{event.topic}`{' (public)' if event.public else ''} | {_says(event)} "
        f"| {_who(event, publishers)} | {_who(event, consumers)} | {key_of(event)} "
        f"| `{event.stream_name}` | {event.partitions} | {kept(event)} | {event.version} |"
        for event in every_event()
    ]
    return "\n".join([head, "|---" * head.count(" | ") + "|---|", *rows]) + "\n"


def kept(event: type[Event]) -> str:
    """Return in words how long a topic keeps its messages."""
    if event.retention_ms == FOREVER:
        return "for ever"
    days = event.retention_ms / DAY_MS
    return f"{days:g} day{'' if days == 1 else 's'}"


def _names(publishers: Services, consumers: Services) -> list[str]:
    return list(dict.fromkeys([*publishers, *consumers]))


def _everywhere(publishers: Services) -> list[type[Event]]:
    """What all services publish, if there are several."""
    if len(publishers) < 2:  # noqa: PLR2004 - with one, all of its events would be of all
        return []
    return [event for event in every_event() if all(event in has for has in publishers.values())]


def _arrows(
    publisher: str, events: list[type[Event]], consumers: Services, arrow: str
) -> Iterator[str]:
    for consumer, consumed in consumers.items():
        yield from _arrow(
            publisher, consumer, [event for event in events if event in consumed], arrow
        )


def _arrow(publisher: str, consumer: str, events: list[type[Event]], arrow: str) -> Iterator[str]:
    if events:
        label = "<br/>".join(event.topic for event in events)
        yield f'    {publisher} {arrow}|"{label}"| {consumer}'


def _topics(events: Iterable[type[Event]]) -> str:
    return ", ".join(f"`{event.topic}`" for event in events)


def _who(event: type[Event], services: Services) -> str:
    names = [name for name, events in services.items() if event in events]
    if len(names) == len(services) > 1:
        return "every service"
    return ", ".join(names) or "nobody yet"


def _says(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().partition("\n")[0].replace("``", "`")

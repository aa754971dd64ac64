"""No event may be missing from the catalog, for documentation and topics are made of it."""

import importlib
import pkgutil
import string

import pytest

from libs.common import contracts
from libs.common.contracts.base import DocumentEvent, Event
from libs.common.contracts.catalog import event_by_topic, events_below, every_event
from libs.common.contracts.documents import DocumentSubmitted


def classes_of_the_package() -> set[type[Event]]:
    """All classes of events in any module of the package, bases among them."""
    found: set[type[Event]] = set()
    for module in pkgutil.walk_packages(contracts.__path__, f"{contracts.__name__}."):
        if ".tests" not in module.name:
            loaded = vars(importlib.import_module(module.name)).values()
            found |= {one for one in loaded if isinstance(one, type) and issubclass(one, Event)}
    return found


def test_every_event_of_any_module_is_in_the_catalog():
    with_topic = {event for event in classes_of_the_package() if "topic" in vars(event)}
    assert set(every_event()) == with_topic
    assert len(every_event()) == len(with_topic)


def test_a_class_from_which_no_other_derives_is_an_event():
    """So that a topic that was forgotten does not make a base of it."""
    classes = classes_of_the_package()
    bases = {base for event in classes for base in event.__mro__[1:]}
    assert classes - bases == set(every_event())


def test_common_bases_hide_no_event():
    class Broad(DocumentEvent):
        """A base without a topic."""

    class Narrow(Broad):
        """A base below it."""

    class Deep(Narrow):
        topic = "deep.happened"

    class Deeper(Deep):
        topic = "deeper.happened"

    assert list(events_below(Broad)) == [Deep, Deeper]
    assert Deep in set(events_below(Event))
    assert Deep not in every_event(), "it is of no module of contracts"


def test_an_event_with_two_bases_is_listed_once():
    class Left(DocumentEvent):
        pass

    class Right(DocumentEvent):
        pass

    class Both(Left, Right):
        topic = "both.happened"

    assert list(events_below(DocumentEvent)).count(Both) == 2
    assert len(set(every_event())) == len(every_event())


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_an_event_says_where_it_goes_by_its_own_fields(event: type[Event]):
    fields = event.model_fields.keys() - {"event_id", "occurred_at"}
    in_stream = {name for _, name, _, _ in string.Formatter().parse(event.stream_name) if name}
    assert event.producer
    assert event.keyed_by
    assert set(event.keyed_by) <= fields
    assert in_stream
    assert in_stream <= fields
    always = event.model_fields[event.keyed_by[-1]].is_required()
    assert always, "the last field of a key must always be there"
    assert all(event.model_fields[name].is_required() for name in in_stream)


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_the_stream_of_an_event_is_the_one_that_its_class_names(event: type[Event]):
    ids = {name: f"<{name}>" for name in event.model_fields}
    made = event.model_construct(None, **ids)  # type: ignore[arg-type]
    assert made.stream == event.stream_of(**ids)
    with pytest.raises(TypeError, match="is missing"):
        event.stream_of()


def test_topics_are_names_that_no_two_events_share():
    topics = [event.topic for event in every_event()]
    assert len(set(topics)) == len(topics) == len(event_by_topic())
    assert event_by_topic()["document.submitted"] is DocumentSubmitted


def test_the_public_contract_is_two_events():
    public = [event.topic for event in every_event() if event.public]
    assert public == ["audio.ready", "audiobook.ready"]


def test_events_are_in_the_order_of_their_subjects():
    subjects = list(dict.fromkeys(event.__module__.rpartition(".")[2] for event in every_event()))
    assert subjects == [
        "accounts",
        "documents",
        "sharing",
        "narrations",
        "audio",
        "notifications",
        "tasks",
    ]

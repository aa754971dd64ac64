from libs.common.kafka.sender import Sender
from libs.common.processing.outgoing import Acknowledged, EventProducer, RefusedRecord


def test_the_sender_is_what_the_relay_needs():
    producer: EventProducer = Sender(lambda: None)
    assert callable(producer.send_all)


def test_outcomes_are_compared_by_value():
    assert Acknowledged() == Acknowledged()
    assert RefusedRecord("a") != RefusedRecord("b")

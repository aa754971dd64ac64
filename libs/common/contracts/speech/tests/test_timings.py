import pytest
from pydantic import ValidationError

from libs.common.contracts.details import new_nonce
from libs.common.contracts.speech.timings import TimedUtterance, TimedWord, Timings

PLACED = {"start_ms": 0, "end_ms": 900, "source_start": 2, "source_end": 10}


def test_timings_survive_being_stored():
    timings = Timings(
        nonce=new_nonce(),
        duration_ms=1000,
        utterances=(TimedUtterance(index=0, **PLACED),),
        words=(TimedWord(utterance=0, **PLACED),),
    )
    assert Timings.read(timings.encode()) == timings


@pytest.mark.parametrize("name", PLACED)
def test_nothing_is_heard_before_the_beginning(name):
    with pytest.raises(ValidationError, match=name):
        TimedWord(utterance=0, **{**PLACED, name: -1})

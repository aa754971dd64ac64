import pytest
from pydantic import ValidationError

from libs.common.contracts.speech.utterances import Block, Omission, SegmentedPage, Span, Utterance


def utterance(index=0, text="Doctor Smith.", **changed):
    given = {
        "index": index,
        "text": text,
        "block": Block.PARAGRAPH,
        "language": "en",
        "source_start": 0,
        "source_end": 9,
        "pause_ms": 300,
        "spans": (Span(spoken_start=0, spoken_end=13, source_start=0, source_end=9),),
    }
    return Utterance.model_validate({**given, **changed})


def test_a_page_survives_being_stored():
    page = SegmentedPage(
        language="en",
        utterances=(utterance(), utterance(1, "Ende.", language="de", block=Block.HEADING)),
        omissions=(Omission(source_start=9, source_end=12, reason="rule"),),
        title=None,
    )
    assert SegmentedPage.read(page.encode()) == page


def test_pages_that_say_the_same_have_different_digests():
    one, other = (
        SegmentedPage(language="en", utterances=(), title=None, omissions=()) for _ in range(2)
    )
    assert one.encode() != other.encode()


def test_characters_are_those_spoken_counted_as_code_points():
    page = SegmentedPage(
        language="en",
        utterances=(utterance(text="naïve 👍"), utterance(1, "ab")),
        title=None,
        omissions=(),
    )
    assert page.characters == 7 + 2
    assert SegmentedPage(language="und", utterances=(), title=None, omissions=()).characters == 0


@pytest.mark.parametrize(
    "changed", [{"text": ""}, {"index": -1}, {"pause_ms": -1}, {"block": "poem"}]
)
def test_what_cannot_be_spoken_is_no_utterance(changed):
    with pytest.raises(ValidationError):
        utterance(**changed)


def test_pages_are_frozen():
    with pytest.raises(ValidationError):
        utterance().text = "else"

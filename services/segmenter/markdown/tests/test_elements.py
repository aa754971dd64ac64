from libs.common.contracts.speech.utterances import Block
from services.segmenter.markdown.content import Content
from services.segmenter.markdown.elements import Marker, Passage, PassagePart


def test_a_passage_begins_with_its_marker():
    part = PassagePart(Content.of_lines("1. a", [(3, 4)]))
    assert Passage(block=Block.LIST_ITEM, parts=(part,)).start == 3
    assert (
        Passage(block=Block.LIST_ITEM, parts=(part,), marker=Marker("number", 0, 2, "1.")).start
        == 0
    )

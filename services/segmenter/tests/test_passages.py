from libs.common.utterances import Block
from services.segmenter.content import Content
from services.segmenter.passages import Marker, Part, Passage


def test_a_passage_begins_with_its_marker():
    part = Part(Content.of_lines("1. a", [(3, 4)]))
    assert Passage(Block.LIST_ITEM, (part,)).start == 3
    assert Passage(Block.LIST_ITEM, (part,), Marker("number", 0, 2, "1.")).start == 0

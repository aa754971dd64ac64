from services.segmenter.markdown.content import Content

SOURCE = "> one\n> two\nthree"


def test_lines_are_joined_and_found_again():
    content = Content.of_lines(SOURCE, [(2, 5), (8, 11), (12, 17)])
    assert content.text == "one\ntwo\nthree"
    assert (content.start, content.end) == (2, 17)
    for position, character in enumerate(content.text):
        assert SOURCE[content.at(position)] == character
        assert content.before(position + 1) == content.at(position) + 1


def test_pieces_stop_where_the_page_has_marks_between():
    content = Content.of_lines(SOURCE, [(2, 5), (8, 11), (12, 17)])
    assert list(content.pieces(1, 13)) == [(1, 4, 3), (4, 13, 8)]

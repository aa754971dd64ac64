import pytest

from services.ingest.formats.pdf.dehyphenation import Dehyphenator


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("infor", "mation", "information"),
        ("well", "known", "well-known"),
        ("Anglo", "Saxon", "Anglo-Saxon"),
        ("sea", "sick", "sea-sick"),
        ("co", "operate", "cooperate"),
    ],
)
def test_a_word_that_was_cut_is_whole_and_a_compound_keeps_its_hyphen(left, right, joined):
    dehyphenator = Dehyphenator()
    dehyphenator.add("They were sea-sick and had to cooperate with co-operate.")
    assert dehyphenator.join(left, right) == joined

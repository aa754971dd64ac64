from services.segmenter.wording.vocabulary import Vocabulary, words


def test_words_are_separated_by_spaces():
    assert words("the  of\nand") == {"the", "of", "and"}


def test_an_unknown_language_says_nothing_of_its_own():
    silent = Vocabulary(
        language="xx", function_words=frozenset(), starters=frozenset(), conjunctions=()
    )
    assert silent.code == silent.footnote == ""
    assert silent.link.format(host="x.io") == "x.io"

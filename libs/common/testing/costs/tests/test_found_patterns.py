import re

from libs.common.testing.costs.found_patterns import FoundPattern, patterns_of, patterns_within


def test_ways_of_use():
    pattern = re.compile("a+b")
    assert FoundPattern("m", pattern).work("aab ab") == 2
    assert FoundPattern("m", pattern, "fullmatch").work("aabx") is None
    assert FoundPattern("m", re.compile(b"a"), "match").work("a")


def test_patterns_in_what_a_module_holds():
    word, number = re.compile("[a-z]+"), re.compile("[0-9]+")

    def reader(text):
        return number.match(text)

    assert list(patterns_within({"words": [(word,)]})) == [word]
    assert list(patterns_within(reader)) == [number]
    assert not list(patterns_within("[a-z]+"))


def test_patterns_of_modules_and_how_they_are_used(tmp_path, monkeypatch):
    folder = tmp_path / "examined"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "some_words.py").write_text(
        "import re\nWORD = re.compile('w+')\n"
        "def of(text):\n    return WORD.fullmatch(text) or re.match('n', text)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = {str(one) for one in patterns_of(tmp_path, ["examined"])}
    assert found == {"examined.some_words: fullmatch 'w+'", "examined.some_words: match 'n'"}

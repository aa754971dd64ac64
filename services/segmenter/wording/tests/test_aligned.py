from services.segmenter.wording.aligned import Aligned, Draft, Edit, Omitted


def aligned(text: str) -> Aligned:
    draft = Draft()
    draft.add(text, 0, len(text), exact=True)
    return draft.finish()


def sources(text: Aligned) -> list[tuple[str, int, int]]:
    return [(text.text[r.start : r.end], r.source_start, r.source_end) for r in text.runs]


def test_an_edit_stands_for_what_it_replaced():
    text = aligned("Dr. Who").edited([Edit(0, 3, "Doctor")])
    assert sources(text) == [("Doctor", 0, 3), (" Who", 3, 7)]


def test_edits_compose():
    text = aligned("a  Dr. x").edited([Edit(3, 6, "Doctor")]).edited([Edit(1, 3, " ")])
    assert text.text == "a Doctor x"
    assert sources(text) == [("a", 0, 1), (" ", 1, 3), ("Doctor", 3, 6), (" x", 6, 8)]


def test_the_first_of_overlapping_edits_is_done():
    assert aligned("abcd").edited([Edit(0, 2, "x"), Edit(1, 3, "y")]).text == "xcd"


def test_part_of_an_expansion_is_not_replaced_by_words():
    text = aligned("Dr. x").edited([Edit(0, 3, "Doctor")])
    assert text.edited([Edit(3, 7, "z")]).text == "Doctor x"
    assert text.edited([Edit(3, 7, "")]).text == "Doctorx"


def test_an_edit_with_a_reason_is_stated():
    omitted: list[Omitted] = []
    text = aligned("a # b").edited([Edit(2, 3, "", "symbol")], omitted)
    assert omitted == [(2, 3, "symbol")]
    assert [run.sealed for run in text.runs] == [False, True]


def test_words_never_replace_something_omitted():
    draft = Draft()
    draft.add("5 ", 0, 2, exact=True)
    draft.seal()
    draft.add("km", 9, 11, exact=True)
    text = draft.finish()
    assert text.edited([Edit(0, 4, "five kilometers")]) == text
    assert text.edited([Edit(1, 2, " ")]).runs[-1].sealed


def test_expansions_too_long_for_any_limit_are_refused():
    assert aligned("ab").edited([Edit(0, 1, "x" * 57)]).text == "ab"


def test_cuts_keep_expansions_and_announcements_together():
    draft = Draft()
    draft.add("Age:", 5, 5, leads=True)
    draft.add(" ", 5, 5, leads=True)
    draft.add("twelve years", 5, 7)
    draft.add(" old", 7, 11, exact=True)
    text = draft.finish()
    assert [p for p in range(len(text.text) + 1) if text.may_cut(p)] == [0, 17, 18, 19, 20, 21]
    assert text.cut_before(12) == 0
    assert text.cut_before(19) == 19


def test_appended_texts_keep_their_sources():
    draft = Draft()
    draft.append(aligned("one."))
    assert draft.ends_phrase
    draft.append(Aligned("two", aligned("two").runs))
    assert sources(draft.finish()) == [("one.", 0, 4), ("two", 0, 3)]

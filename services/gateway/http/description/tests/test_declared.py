import pytest

from services.gateway.http.description.declared import (
    PROBLEM_CODES,
    declare,
    file_answers,
    file_conditions,
    own_problems,
)


def test_problems_of_several_declarations_are_added_up():
    whole = declare({"x-capability": "y"}, own_problems("stale"), own_problems("empty"))
    assert whole == {"x-capability": "y", PROBLEM_CODES: ["stale", "empty"]}


def test_a_problem_that_is_not_explained_cannot_be_declared():
    with pytest.raises(KeyError):
        own_problems("odd")


def test_files_are_answered_whole_in_part_or_not_again():
    answers = file_answers("audio/ogg; codecs=opus", named=True)
    assert set(answers) == {200, 206, 304}
    assert set(answers[206]["content"]) == {"audio/ogg"}
    assert "Content-Disposition" in answers[200]["headers"]
    assert "bad_range" in file_conditions()[PROBLEM_CODES]


def test_files_that_may_be_elsewhere_say_where():
    answers = file_answers("audio/mpeg", delivered=True)
    assert set(answers) == {200, 206, 304, 307}
    assert set(answers[307]["headers"]) == {"Location"}
    assert "content" not in answers[307]

import typing

from services.gateway.accounts.identities.refusals import (
    SENTENCES,
    BadAnswer,
    LoginRefused,
    Reason,
)


def test_every_reason_has_a_sentence_that_says_what_to_do():
    assert set(SENTENCES) == set(typing.get_args(Reason))
    assert str(LoginRefused("disabled")) == SENTENCES["disabled"]


def test_why_an_answer_is_bad_is_for_logs_alone():
    error = BadAnswer("it took too long")
    assert (error.reason, error.why) == ("bad_answer", "it took too long")
    assert error.why not in str(error)

import inspect
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from libs.common import errors
from libs.common.errors import (
    Conflict,
    LecternError,
    Malformed,
    ObjectCorrupt,
    ObjectNotFound,
    Permanent,
    Rejected,
    Throttled,
    Transient,
    Unavailable,
    UnknownVersion,
)

EXAMPLES = [
    LecternError("why"),
    Transient("why"),
    Unavailable("why"),
    Throttled("why", 3.5),
    Permanent("why"),
    Malformed("AudioReady", "check page"),
    UnknownVersion("AudioReady", 3, 2),
    ObjectNotFound("a/key"),
    ObjectCorrupt("a/key"),
    Conflict("document/1"),
    Rejected("encrypted", "The document is protected."),
]


def every_error():
    return [
        error
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, LecternError)
    ]


def test_there_is_an_example_of_each():
    assert {type(error) for error in EXAMPLES} == set(every_error())


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.code, vars(again)) == (str(error), error.code, vars(error))


def refuse():
    raise Rejected("encrypted", "The document is protected.")


@pytest.mark.slow
def test_errors_cross_a_process_pool():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(Rejected, match="protected") as caught:
            pool.submit(refuse).result(timeout=60)
        assert caught.value.code == "encrypted"
        assert pool.submit(len, "still works").result(timeout=60) == 11


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_retried_or_not_or_waits_for_an_upgrade(error):
    if type(error) is not LecternError:
        kinds = (Transient, Permanent, UnknownVersion)
        assert sum(isinstance(error, kind) for kind in kinds) == 1


def test_codes_are_for_machines():
    codes = [error.code for error in every_error() if error is not Rejected]
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)
    assert len(set(codes)) == len(codes)
    assert Throttled("slow down").retry_after_s is None
    assert Conflict("document/1").stream == "document/1"


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = re.findall(r"^ *[*+-] (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(set(drawn) - {"any"}) == sorted(error.__name__ for error in every_error())

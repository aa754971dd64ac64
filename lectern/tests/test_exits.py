import pytest

from lectern.data_folder import DataFolderInUse, DataFolderUnusable
from lectern.embedded_broker import EmbeddedBrokerError
from lectern.exits import Exit, Failed, classify
from libs.common.errors import Permanent, Rejected, Throttled, Transient, Unavailable
from libs.common.runtime.http_server import CannotListen
from libs.common.settings import CommonSettings, InvalidSettings, load


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed(Exit.NO_INPUT, "why"), 66),
        (Rejected("encrypted", "why"), 65),
        (DataFolderInUse("why"), 69),
        (EmbeddedBrokerError("why"), 69),
        (DataFolderUnusable("why"), 73),
        (Transient("why"), 75),
        (Throttled("why"), 75),
        (Unavailable("why"), 75),
        (Permanent("why"), 70),
    ],
)
def test_the_type_of_an_error_decides_the_exit_code(error, code):
    failed = classify(error)
    assert failed is not None
    assert (failed.code, str(failed)) == (code, "why")


def code_of(error):
    failed = classify(error)
    assert failed is not None
    return failed.code


def test_a_port_that_is_taken_is_something_unavailable():
    assert code_of(CannotListen("port 8000 is taken")) == 69


def test_wrong_settings_are_told_apart(monkeypatch):
    monkeypatch.setenv("LECTERN_JOB_LEASE_SECONDS", "soon")
    with pytest.raises(InvalidSettings) as wrong:
        load(CommonSettings)
    assert code_of(wrong.value) == 78


@pytest.mark.parametrize("bug", [KeyError("x"), AssertionError(), OSError(5, "x")])
def test_a_bug_is_not_dressed_up(bug):
    assert classify(bug) is None

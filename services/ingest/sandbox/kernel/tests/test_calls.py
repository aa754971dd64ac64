import errno
import sys

import pytest

from services.ingest.sandbox.kernel import calls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="calls of Linux")


def test_what_the_kernel_refuses_is_an_error_with_its_number():
    with pytest.raises(OSError, match="Invalid argument") as caught:
        calls.prctl(99_999)
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="not implemented") as caught:
        calls.system_call(9_999)
    assert caught.value.errno == errno.ENOSYS


def test_a_library_without_the_call_is_another_system(monkeypatch):
    monkeypatch.setattr(calls, "_libc", object())
    with pytest.raises(OSError, match="not Linux"):
        calls.prctl(calls.PR_SET_DUMPABLE, 0)

import os
from pathlib import Path

import pytest

from libs.common.testing import moto_s3
from libs.common.testing.moto_s3 import MotoS3
from libs.common.testing.processes import ServerFailed, ServerMissing


def test_without_moto_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(moto_s3, "find_spec", lambda name: None)
    with pytest.raises(ServerMissing, match="install moto"):
        MotoS3(tmp_path / "moto.log").start()


def test_has_no_process_before_it_starts() -> None:
    with pytest.raises(ServerFailed, match="not running"):
        _ = MotoS3(Path(os.devnull)).process

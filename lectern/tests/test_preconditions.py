from pathlib import Path

import pytest

from lectern.exits import Exit, Failed
from lectern.preconditions import check_output, check_source
from lectern.reading import ReadRequest
from services.gateway.narrations.options import NarrationOptions


def wanted(source: Path | str, output: Path | None = None) -> ReadRequest:
    return ReadRequest(
        source=str(source), output=output or Path(f"{source}.m4b"), options=NarrationOptions()
    )


def test_sources_are_looked_at_first(tmp_path):
    with pytest.raises(Failed, match=r"There is no file .*no\.md") as raised:
        check_source(wanted(tmp_path / "no.md"))
    assert raised.value.code == Exit.NO_INPUT
    with pytest.raises(Failed):
        check_source(wanted(tmp_path))
    check_source(wanted("https://example.org/a"))


def test_outputs_are_looked_at_first(tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file" / "x.m4b", tmp_path):
        with pytest.raises(Failed) as raised:
            check_output(wanted("x", output))
        assert raised.value.code == Exit.CANNOT_WRITE
    check_output(wanted("x", tmp_path / "new" / "x.m4b"))
    assert (tmp_path / "new").is_dir()

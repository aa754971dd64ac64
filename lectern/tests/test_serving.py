import asyncio
from pathlib import Path

import pytest

from lectern.cli import parser, run
from lectern.serving import _greet, serve_all
from services.gateway.accounts.tokens import Tokens

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_greeting_says_where_everything_is_and_a_token_once(lectern, capsys):
    await _greet(lectern, "127.0.0.1", Path("data"))
    first = capsys.readouterr()
    await _greet(lectern, "127.0.0.1", Path("data"))
    second = capsys.readouterr()
    assert first.out == second.out == ""
    assert first.err.count("http://127.0.0.1:") == second.err.count("http://127.0.0.1:") == 6
    assert "lectern token create --data data --name" in first.err
    assert "token" not in second.err
    link = next(word for word in first.err.split() if "/links/" in word)
    assert link.startswith(f"http://127.0.0.1:{lectern.services['gateway'].port}/links/")
    token = next(word for word in first.err.split() if word.startswith("lectern_"))
    assert await Tokens(lectern.gateway.kernel.database).caller(token)


async def test_serve_listens_where_it_is_told():
    found = parser().parse_args(["serve", "--host", "0.0.0.0", "--port", "9000"])
    assert (found.run, found.host, found.port) == (serve_all, "0.0.0.0", 9000)
    assert found.log_level == "INFO"


async def test_what_is_set_in_vain_is_told_at_the_start(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LECTERN_METRICS_PORT", "9464")
    (tmp_path / "file").touch()
    asked = ["serve", "--data", str(tmp_path / "file" / "data")]
    assert await asyncio.to_thread(run, asked) == 73
    assert capsys.readouterr().err.startswith("warning: LECTERN_METRICS_PORT is not used by")

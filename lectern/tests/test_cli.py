import asyncio
import re

import pytest

from lectern import cli
from lectern.exits import Exit, Failed


def running(monkeypatch, error):
    """Have the command line run one command that ends with ``error``."""

    async def command(_):
        raise error

    built = cli.parser

    def parser():
        top = built()
        top.set_defaults(run=command)
        return top

    monkeypatch.setattr(cli, "parser", parser)
    monkeypatch.setattr("lectern.reading_command.read_document", command)
    return cli.run(["read", "x.md"])


def test_what_is_known_to_fail_is_one_sentence(monkeypatch, capsys):
    assert running(monkeypatch, Failed(Exit.NO_INPUT, "There is no x.md.")) == 66
    assert capsys.readouterr() == ("", "lectern: There is no x.md.\n")


def test_a_bug_shows_where_it_is(monkeypatch, capsys):
    assert running(monkeypatch, KeyError("x")) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt()])
def test_an_interruption_is_told_as_such(monkeypatch, capsys, error):
    assert running(monkeypatch, error) == 130
    assert "to resume" in capsys.readouterr().err


def test_the_epilog_names_every_exit_code():
    assert {int(code) for code in re.findall(r"\b(\d+)\b", cli.EPILOG)} == {int(x) for x in Exit}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["read"],
        ["read", "x", "--rate", "9"],
        ["read", "x", "--pages", "3-1"],
        ["read", "x", "--format", "wav"],
        ["token"],
        ["token", "create"],
        ["migrate", "nobody"],
    ],
)
def test_wrong_usage_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(arguments)
    assert ended.value.code == 2
    assert "usage: lectern" in capsys.readouterr().err

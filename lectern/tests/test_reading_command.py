import argparse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern import reading_command
from lectern.cli import parser, run
from lectern.exits import Exit, Failed
from lectern.reading import ReadingResult
from lectern.reading_command import _rate, _report, _speaks, _wanted, some_pages
from libs.common.contracts.pages import merged, page_ranges

RANGES = st.lists(
    st.tuples(st.integers(1, 2000), st.integers(0, 30)).map(lambda pair: (pair[0], sum(pair))),
    min_size=1,
    max_size=8,
)
BLANK = st.sampled_from(["", " ", "  "])


@given(RANGES, st.data())
def test_pages_are_the_union_of_the_ranges_in_order(ranges, data):
    parts = []
    for first, last in ranges:
        blanks = [data.draw(BLANK) for _ in range(4)]
        single = first == last and data.draw(st.booleans())
        middle = "" if single else f"{blanks[1]}-{blanks[2]}{last}"
        parts.append(f"{blanks[0]}{first}{middle}{blanks[3]}")
    wanted = {page for first, last in ranges for page in range(first, last + 1)}
    assert some_pages(",".join(parts)) == page_ranges(wanted)


@pytest.mark.parametrize("text", ["", "0", "3-1", "1,", "a", "-3", "1-", "1--2", "1.5", "1000000"])
def test_what_is_no_list_of_pages_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no list of pages"):
        some_pages(text)


@given(st.text(max_size=12))
def test_any_text_is_pages_or_refused(text):
    try:
        found = some_pages(text)
    except argparse.ArgumentTypeError:
        return
    assert found == merged(found)
    assert found[0].first >= 1


@pytest.mark.parametrize("text", ["0.5", "1", "3.0"])
def test_rates_in_range_are_taken(text):
    assert _rate(text) == float(text)


@pytest.mark.parametrize("text", ["0.49", "3.01", "nan", "inf", "fast", ""])
def test_rates_out_of_range_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"0\.5 to 3\.0"):
        _rate(text)


def wanted(*arguments):
    return _wanted(parser().parse_args(["read", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "output", "page_format", "book_format"),
    [
        (["a/b.epub"], "b.m4b", "m4a", "m4b"),
        (["b.epub", "--format", "mp3"], "b.mp3", "mp3", "mp3"),
        (["b.epub", "-o", "x/y.OPUS"], "x/y.OPUS", "opus", "opus"),
        (["b.epub", "-o", "y.audio", "--format", "m4b"], "y.audio", "m4a", "m4b"),
        (["https://example.org/c/d.html"], "d.m4b", "m4a", "m4b"),
        (["https://example.org/"], "example.m4b", "m4a", "m4b"),
    ],
)
def test_format_and_output_follow_from_each_other(arguments, output, page_format, book_format):
    found = wanted(*arguments)
    assert found.output == Path(output)
    assert (found.options.format, found.options.audiobook) == (page_format, book_format)
    assert found.is_url == arguments[0].startswith("https")


def test_an_output_of_unknown_kind_is_refused():
    with pytest.raises(Failed, match="--format") as refused:
        wanted("b.epub", "-o", "b.wav")
    assert refused.value.code == Exit.USAGE


def result(**changes):
    fields: dict[str, Any] = {
        "document_id": "d",
        "title": "Emma",
        "output": "emma.m4b",
        "bytes": 2_340_000,
        "duration_ms": 3_725_000,
        "pages": 12,
        "chapters": 3,
        "loudness_lufs": -19.0,
        "seconds": 5.0,
        "first_audio_seconds": 0.5,
        "times_real_time": 745.0,
        "resumed": False,
        "page_files": [],
    }
    return ReadingResult(**(fields | changes))


def test_the_report_says_what_was_made():
    assert _report(result(page_files=["p/page-0001.m4a"])).splitlines() == [
        "emma.m4b: Emma, 1:02:05, 2.3 MB, 3 chapters, 12 pages",
        "made in 5.0 s, 745 times real time; first audio after 0.50 s",
        "pages: p/",
    ]


@pytest.mark.parametrize("changes", [{"resumed": True}, {"first_audio_seconds": None}])
def test_nothing_is_said_of_the_first_audio_when_it_was_there_before(changes):
    assert "first audio" not in _report(result(**changes))


def test_voices_are_chosen_by_language():
    assert _speaks("pt-BR", "pt-br")
    assert _speaks("pt-BR", None)
    assert not _speaks("pt-BR", "en")


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No credentials anywhere, no speech server, and no half minute to wait."""
    monkeypatch.setattr(reading_command, "PATIENCE_S", 12.0)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("SYNTH_OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("engine", "code", "words"),
    [("polly", 69, "no credentials for Amazon Polly"), ("openai", 75, "no answer from the speech")],
)
def test_an_engine_that_is_not_there_is_told_and_not_waited_for(alone, capfd, engine, code, words):
    assert run(["voices", "--engine", engine, "--data", str(alone)]) == code
    assert words in capfd.readouterr().err


def test_an_engine_that_nobody_has_is_a_matter_of_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        run(["read", "x.md", "--engine", "bogus"])
    assert ended.value.code == 2
    assert "espeak" in capsys.readouterr().err

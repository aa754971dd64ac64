import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.display import Lines, Live, ReadingProgress, Silent, choose, clock

START = ReadingProgress(title="Emma", ready=0, found=0, pages=None, audio_ms=0, stage="reading")


@given(st.integers(0, 10**9))
def test_a_clock_reads_back(ms):
    hours, minutes, seconds = map(int, clock(ms).split(":"))
    assert max(minutes, seconds) < 60
    assert abs((hours * 3600 + minutes * 60 + seconds) * 1000 - ms) <= 500


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0:00:00"), (59_600, "0:01:00"), (36_000_000, "10:00:00")]
)
def test_a_clock_shows_hours_minutes_seconds(ms, text):
    assert clock(ms) == text


def test_lines_come_when_the_stage_changes_and_not_for_every_page(capsys):
    lines = Lines()
    for progress in [
        START,
        replace(START, found=1),
        replace(START, stage="speaking", ready=1, found=4, audio_ms=61_000),
        replace(START, stage="speaking", ready=2, found=4, pages=4),
        replace(START, stage="binding", ready=4, found=4, pages=4),
    ]:
        lines.show(progress)
    lines.close()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "reading: 0/? pages, 0:00:00 of audio",
        "speaking: 1/? pages, 0:01:01 of audio",
        "binding: 4/4 pages, 0:00:00 of audio",
    ]


def test_the_bar_says_the_same(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    live = Live()
    live.show(START)
    live.show(replace(START, found=3, ready=2, stage="speaking"))
    live.show(replace(START, found=4, ready=4, pages=4, audio_ms=61_000, stage="binding"))
    live.close()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "0+ pages" not in shown.err
    assert re.search(r"Emma: binding .*4/4 pages, 0:01:01 of audio", shown.err)


def test_what_is_shown_suits_where_it_goes(monkeypatch):
    assert isinstance(choose(quiet=True), Silent)
    assert isinstance(choose(quiet=False), Lines)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    bar = choose(quiet=False)
    bar.close()
    assert isinstance(bar, Live)


def test_silence_is_silent(capsys):
    silent = Silent()
    silent.show(START)
    silent.close()
    assert capsys.readouterr() == ("", "")

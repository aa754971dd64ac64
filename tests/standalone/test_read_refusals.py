"""What ``lectern read`` cannot do: one sentence for people, an exit code for scripts."""

import fcntl
import signal
from pathlib import Path

import pytest

from tests.standalone import documents
from tests.standalone.command import Done, Lectern


def refused(done: Done, code: int) -> str:
    """Check that the command said one thing and nothing else; return it."""
    assert (done.code, done.stdout) == (code, ""), done.stderr
    said = done.stderr.strip()
    assert said.startswith("lectern: ")
    assert len(said.splitlines()) == 1, said
    return said


def test_what_is_wrong_is_said_before_anything_starts(lectern: Lectern) -> None:
    assert "nothing.md" in refused(lectern.run("read", "nothing.md", "--data", "data"), 66)
    assert not (lectern.folder / "data").exists()


def test_a_document_that_cannot_be_read(lectern: Lectern) -> None:
    documents.pdf(lectern.folder, "locked.pdf", password="secret")
    done = lectern.run("read", "locked.pdf", "--data", "data", "--quiet")
    assert "password" in refused(done, 65)


def test_output_that_cannot_be_written(lectern: Lectern) -> None:
    documents.text(lectern.folder)
    (lectern.folder / "file").write_text("in the way")
    done = lectern.run("read", "keeper.txt", "--data", "data", "--quiet", "-o", "file/x.m4b")
    assert "file/x.m4b" in refused(done, 73)
    done = lectern.run("read", "keeper.txt", "--data", "file/data", "--quiet")
    assert "file/data" in refused(done, 73)


def test_wrong_settings_name_the_variable(lectern: Lectern) -> None:
    documents.text(lectern.folder)
    done = lectern.run("read", "keeper.txt", "--data", "d", env={"INGEST_PARSE_WALL_SECONDS": "x"})
    assert done.code == 78
    assert "INGEST_PARSE_WALL_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_serves_one_at_a_time(lectern: Lectern) -> None:
    documents.text(lectern.folder)
    (lectern.folder / "data").mkdir()
    with (lectern.folder / "data" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = lectern.run("read", "keeper.txt", "--data", "data", "--quiet")
    assert "--data" in refused(done, 69)


@pytest.mark.parametrize("moment", ["loading", "starting", "working"])
def test_ctrl_c_is_silent_and_quick_at_any_moment(lectern: Lectern, moment: str) -> None:
    source = documents.book(lectern.folder, pages=40, sentences=20)
    seen = {
        "loading": lambda command: bool(command.family),
        "starting": lambda _: (lectern.folder / "data" / "synth.db").exists(),
        "working": lambda _: any((lectern.folder / "data/objects/audio").rglob("*.pack")),
    }[moment]
    with lectern.start("read", source, "--data", "data", "--quiet") as command:
        command.wait_until(lambda: seen(command))
        assert command.running
        command.interrupt()
        done = command.end(timeout_s=30)
        assert command.survivors(5.0) == []
    assert done.code == 130, done.stderr
    assert done.stderr in {"", "interrupted; run the same command again to resume\n"}
    assert lectern.leftovers() == []


def test_sigterm_ends_a_reading_like_ctrl_c(lectern: Lectern) -> None:
    source = documents.book(lectern.folder, pages=40, sentences=20)
    spoken = Path(lectern.folder, "data/objects/audio")
    with lectern.start("read", source, "--data", "data", "--quiet") as command:
        command.wait_until(lambda: any(spoken.rglob("*.pack")))
        command.signal(signal.SIGTERM)
        done = command.end(timeout_s=30)
        assert command.survivors(5.0) == []
    assert done.code == 130
    assert lectern.leftovers() == []

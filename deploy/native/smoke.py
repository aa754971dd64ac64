"""Sends the sample book through what ``up`` started, and listens to what comes back.

    python -m deploy.native.smoke

Everything goes through the gateway's REST API, as a user's program would: upload with a narration,
wait, download the audiobook and the first page, decode both.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from deploy.native.hearing import Heard, hear
from deploy.native.running import STATE
from deploy.native.services import ports
from examples.book.build import build

PATIENCE_S = 300.0
LOOK_EVERY_S = 0.5
NARRATION = {"voice": "en-us", "audiobook": "m4b"}
LOUDNESS_LUFS = (-20.5, -17.5)
LONGEST_SILENCE_S = 2.0
FEWEST_CHAPTERS = 8


class Broken(Exception):
    """Something is not as it has to be; the message says what."""


def main() -> int:
    """Run the command; the exit code is 1 if something is not as it has to be."""
    environment = _environment(STATE / "env")
    if not environment:
        return _failed("nothing is up; start it with: make up-native")
    base = f"http://127.0.0.1:{ports(environment)['gateway']}/api/v1"
    headers = {"Authorization": f"Bearer {_token(environment)}"}
    try:
        with httpx.Client(base_url=base, headers=headers, timeout=60) as api:
            _smoke(api)
    except (Broken, httpx.HTTPError) as error:
        return _failed(str(error))
    return 0


def _smoke(api: httpx.Client) -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "sample.epub"
        build(book)
        with book.open("rb") as upload:
            answer = api.post(
                "/documents",
                files={"file": ("sample.epub", upload)},
                data={"narrate": json.dumps(NARRATION)},
            )
    _expect(answer.status_code == httpx.codes.ACCEPTED, f"the upload was refused: {answer.text}")
    submitted = answer.json()
    narration = _finished(api, submitted["narration_id"])
    took = time.monotonic() - started
    page = _first_audio(api, submitted["document_id"])
    _say(f"uploaded and spoken: {narration['pages_ready']} pages in {took:.1f} s")
    heard = hear(_download(api, f"/audios/{page['audio_id']}/download"))
    _check(heard, page["duration_ms"], "page 1")
    audiobook = narration["audiobook"]
    file = _download(api, f"/audiobooks/{audiobook['audiobook_id']}/download")
    heard = hear(file)
    _check(heard, audiobook["duration_ms"], f"audiobook, {len(file) / 1e6:.1f} MB")
    _expect(len(heard.chapters) >= FEWEST_CHAPTERS, f"only {len(heard.chapters)} chapters")
    _expect(heard.has_cover, "the audiobook has no cover")
    _say(f"chapters: {', '.join(title for title, _ in heard.chapters)}")
    _say(f"tags: {', '.join(f'{name}={value}' for name, value in sorted(heard.tags.items()))}")


def _check(heard: Heard, duration_ms: int, what: str) -> None:
    low, high = LOUDNESS_LUFS
    off_s = abs(heard.duration_s - duration_ms / 1000)
    _expect(off_s < LOOK_EVERY_S, f"{what}: {off_s:.2f} s longer or shorter than announced")
    _expect(low <= heard.loudness_lufs <= high, f"{what}: {heard.loudness_lufs:.1f} LUFS")
    silence = heard.longest_silence_s
    _expect(silence <= LONGEST_SILENCE_S, f"{what}: {silence:.1f} s of silence")
    _say(
        f"{what}: {heard.duration_s:.1f} s, {heard.loudness_lufs:.1f} LUFS, "
        f"longest silence {silence:.2f} s"
    )


def _finished(api: httpx.Client, narration_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found: dict[str, Any] = api.get(f"/narrations/{narration_id}").raise_for_status().json()
        if found["state"] == "ready":
            return found
        _expect(found["state"] == "working", f"the narration is {found['state']}: {found}")
        time.sleep(LOOK_EVERY_S)
    raise Broken(f"the book was not spoken within {PATIENCE_S:.0f} s")


def _first_audio(api: httpx.Client, document_id: str) -> dict[str, Any]:
    page = api.get(f"/documents/{document_id}/pages/1").raise_for_status().json()
    _expect(bool(page["audios"]), "page 1 has no audio")
    first: dict[str, Any] = page["audios"][0]
    return first


def _download(api: httpx.Client, path: str) -> bytes:
    return api.get(path).raise_for_status().content


def _token(environment: dict[str, str]) -> str:
    """Make a token as an operator would."""
    command = [sys.executable, "-m", "lectern", "token", "create", "--name", "smoke"]
    made = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


def _environment(path: Path) -> dict[str, str]:
    """Read the file that ``up`` wrote; empty if there is none."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: shlex.split(value)[0] if value else "" for name, _, value in pairs}


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def _failed(message: str) -> int:
    sys.stderr.write(f"smoke: {message}\n")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""What each start-up trick still buys: ``python -m bench.startup [--rounds 5] [TRICK...]``.

Reads one page with a Lectern that was just started, with all tricks and without one of them, in
turn, so that a machine that is shared treats all alike. Prints the medians: CPU seconds of all
processes, seconds from the start of the command to the first audio and to the end, and the peak of
memory. A trick pays by what the figures rise without it.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

from bench.command_line import described
from bench.long_book import book
from bench.measure import python, run
from bench.without import NOTHING, TRICKS

MIB = 1 << 20
PAGE_HOURS = 0.03


@dataclass(frozen=True, kw_only=True)
class Start:
    """One run of ``lectern read``."""

    cpu_s: float
    first_audio_s: float
    wall_s: float
    peak_mib: float


def main() -> None:
    """Print a line for each trick that is left out, and one for none."""
    parser = described(__doc__)
    parser.add_argument("tricks", nargs="*", help=f"some of: {', '.join(TRICKS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if unknown := set(asked.tricks) - TRICKS.keys():
        parser.error(f"there is no trick {', '.join(sorted(unknown))}")
    tricks = [NOTHING, *(asked.tricks or [trick for trick in TRICKS if trick != NOTHING])]
    starts: dict[str, list[Start]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "page.md").write_text(book(PAGE_HOURS, seed=6))
        _started(folder, NOTHING)  # compiles what was not compiled yet
        for number in range(asked.rounds):
            for trick in tricks if number % 2 else reversed(tricks):
                starts[trick].append(_started(folder, trick))
    print(f"{'without':20} {'CPU s':>8} {'first audio s':>14} {'end s':>8} {'memory MiB':>12}")
    for trick in tricks:
        cpu_s, first_audio_s, wall_s, peak_mib = _medians(starts[trick])
        print(f"{trick:20} {cpu_s:8.2f} {first_audio_s:14.2f} {wall_s:8.2f} {peak_mib:12.0f}")


def _medians(starts: Sequence[Start]) -> list[float]:
    return [median(column) for column in zip(*map(astuple, starts), strict=True)]


def _started(folder: Path, trick: str) -> Start:
    with tempfile.TemporaryDirectory(dir=folder) as data:
        asked = ["read", f"{folder}/page.md", "-o", f"{data}/page.m4b", "--data", data, "--json"]
        cost = run(python("bench.without", trick, *asked), memory=True)
    result = json.loads(cost.output)
    before_reading_s = cost.wall_s - result["seconds"]
    return Start(
        cpu_s=cost.cpu_s,
        first_audio_s=before_reading_s + result["first_audio_seconds"],
        wall_s=cost.wall_s,
        peak_mib=cost.peak_bytes / MIB,
    )


if __name__ == "__main__":
    main()

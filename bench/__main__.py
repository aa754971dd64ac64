"""Everything in one run, as a table: ``python -m bench --hours 10 --pages 1000``."""

import sys

from bench.command_line import described
from bench.pipeline import Row, run_all


def main() -> int:
    """Print a line for each figure as soon as it is there; 1 if a limit is not met."""
    parser = described(__doc__)
    parser.add_argument("--hours", type=float, default=10, help="length of the synthetic book")
    parser.add_argument("--pages", type=int, default=1000, help="of the book with short pages")
    parser.add_argument("--events", type=int, default=3000, help="sent through Kafka")
    asked = parser.parse_args()
    missed = 0
    print(f"{'what':42} {'measured':>10} {'limit':>8}   detail")
    for row in run_all(asked.hours, asked.pages, asked.events):
        print(_line(row), flush=True)
        missed += not row.met
    return 1 if missed else 0


def _line(row: Row) -> str:
    limit = "-" if row.limit is None else f"{row.limit:g} {row.unit}"
    missed = "" if row.met else "  NOT MET"
    return f"{row.what:42} {row.value:>8.2f} {row.unit:2} {limit:>7}   {row.detail}{missed}"


if __name__ == "__main__":
    sys.exit(main())

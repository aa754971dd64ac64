"""End what ``up`` started, and nothing else: ``python -m deploy.native.down``."""

import sys

from deploy.native.running import STATE, Running, end


def main() -> int:
    """Run the command."""
    pids = STATE / "pids.json"
    ended = end(Running.load(pids))
    for written in (pids, STATE / "env"):
        written.unlink(missing_ok=True)
    sys.stdout.write(f"ended: {', '.join(ended) or 'nothing was up'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

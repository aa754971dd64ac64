"""Whether the service of this container is alive; the exit code says it. Standard library only."""

import os
import sys
import urllib.request

PORTS = {"gateway": 8000, "ingest": 8001, "segmenter": 8002, "synth": 8003, "notifier": 8004}
TIMEOUT_S = 4


def url() -> str:
    """The liveness page of the service that the image was built for."""
    service = os.environ["SERVICE"]
    port = os.environ.get(f"{service.upper()}_HTTP_PORT") or PORTS[service]
    return f"http://127.0.0.1:{port}/health/live/"


def main() -> int:
    """Ask the page."""
    try:
        with urllib.request.urlopen(url(), timeout=TIMEOUT_S) as answer:  # noqa: S310 - http, own host
            return 0 if answer.status == 200 else 1  # noqa: PLR2004 - OK
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())

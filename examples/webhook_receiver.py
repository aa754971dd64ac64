"""Prints the webhooks of Lectern that are signed with our secret, and refuses all others.

    LECTERN_WEBHOOK_SECRET=whsec_... python webhook_receiver.py --port 8080

It needs nothing but Python. docs/webhooks.md says what is signed; libraries that check it are at
https://www.standardwebhooks.com. Behind it belongs a proxy that speaks TLS.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 1_000_000
MAX_AGE_S = 300
NO_CONTENT, UNAUTHORIZED, TOO_LARGE = 204, 401, 413


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether a body was signed with ``secret``, and just now: an old one may be replayed."""
    moment = headers.get("webhook-timestamp", "")
    if not moment.isdecimal() or abs(now_s - int(moment)) > MAX_AGE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join((headers.get("webhook-id", "").encode(), moment.encode(), body))
    expected = b"v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
    # While a secret is replaced there are two signatures: one of them has to be of ours.
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, one.encode()) for one in given)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed, 401 to what is not."""

    secret = ""
    seen: set[str]

    def do_POST(self) -> None:
        """Take one webhook in."""
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            self._answer(TOO_LARGE)
            return
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_signed(self.secret, headers, body, time.time()):
            self._answer(UNAUTHORIZED)
            return
        if headers["webhook-id"] not in self.seen:  # it may be delivered twice
            self.seen.add(headers["webhook-id"])
            told = json.loads(body)
            print(told["type"], told["data"]["document_id"], flush=True)
        self._answer(NO_CONTENT)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep addresses out of the output."""


def main() -> None:
    """Listen until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=8080)
    Receiver.secret, Receiver.seen = os.environ["LECTERN_WEBHOOK_SECRET"], set()
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Receiver)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""Answers with a redirect to where an object is, so that its bytes do not pass through here.

The redirect is 307 (RFC 9110, section 15.4.8): the method stays, and clients send their Range to
the new address, as the Fetch standard has it for browsers, in its HTTP-redirect fetch. The rights
are looked up before each redirect; what was redirected stays good until its URL ends. HEAD is
answered here, because the URLs are signed for GET.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from time import time

import structlog
from starlette.requests import Request
from starlette.responses import Response

from libs.common.contracts.base import ObjectRef
from libs.common.storage.port import Storage
from services.gateway.http.delivery.cloudfront import CloudFront
from services.gateway.http.downloads import send_object
from services.gateway.http.requests.methods import is_head

CONDITIONS = ("if-match", "if-none-match", "if-range")

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, eq=False)
class SignedDelivery:
    """Signs URLs that are good for ``seconds``: of CloudFront if there is one, else of the bucket.

    What goes wrong for ever is logged once.
    """

    seconds: int
    cloudfront: CloudFront | None = None
    _logged: set[str] = field(default_factory=set)

    async def signed_url(
        self, storage: Storage, key: str, media_type: str, disposition: str | None
    ) -> str | None:
        """Return the URL of an object; None if the storage has none to give.

        Raises:
            Permanent: There are no credentials to sign with.
        """
        url = await storage.signed_url(
            key, expires_s=self.seconds, media_type=media_type, disposition=disposition
        )
        if url is None:
            self._log_once("audio is proxied: only a bucket has signed URLs")
        if url is None or self.cloudfront is None:
            return url
        ends_s = int(time()) + self.seconds
        try:
            return self.cloudfront.signed_url(
                key, ends_s=ends_s, media_type=media_type, disposition=disposition
            )
        except Exception as error:  # whatever it is, the bucket's URL leads to the same bytes
            self._log_once("no URL of CloudFront can be signed", error=type(error).__name__)
            return url

    def _log_once(self, event: str, **said: str) -> None:
        if event not in self._logged:
            self._logged.add(event)
            log.warning(event, **said)


async def deliver(
    request: Request,
    storage: Storage,
    ref: ObjectRef,
    media_type: str,
    disposition: str | None = None,
) -> Response:
    """Return the answer to a GET or HEAD of audio: the bytes, or where they are.

    Raises:
        ObjectNotFound: It is gone, and the bytes were to be sent from here.
    """
    delivery: SignedDelivery | None = request.app.state.delivery
    if delivery is not None and not is_head(request) and not _names_our_etag(request, ref):
        url = await delivery.signed_url(storage, ref.key, media_type, disposition)
        if url is not None:
            headers = {"Location": url, "Cache-Control": "private, no-store"}
            return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers=headers)
    return await send_object(request, storage, ref, media_type, disposition)


def _names_our_etag(request: Request, ref: ObjectRef) -> bool:
    """Tell whether a condition has the ETag of here; the bucket has another one of its own."""
    return any(ref.sha256 in request.headers.get(name, "") for name in CONDITIONS)

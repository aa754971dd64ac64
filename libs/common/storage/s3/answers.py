"""What boto3's errors mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from libs.common.errors import LecternError, ObjectNotFound, Permanent, Throttled, Unavailable

_ABSENT = {"NoSuchKey", "NotFound", "404"}
_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "429"}
_REFUSED = {
    "AccessDenied",
    "AllAccessDisabled",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "Forbidden",
    "403",
}
_DOWN = {"NoSuchBucket", "RequestTimeout", "RequestTimeTooSkewed", "ExpiredToken", "NoSuchUpload"}
_SERVER_ERROR = 500
_LOCKED = ("object lock", "worm", "legal hold", "retention")
"""How servers say why they refuse: the codes, ``AccessDenied`` and others, do not tell it."""


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Turn boto3's errors about the object ``key`` into ours, which show no address."""
    try:
        yield
    except ClientError as error:
        raise _meaning(error, key) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise Permanent("no credentials for the object storage were found") from error
    except BotoCoreError as error:
        raise Unavailable("the object storage does not answer") from error


def _meaning(error: ClientError, key: str) -> LecternError:
    said = error.response.get("Error", {})
    code = said.get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY:
        return Throttled("the object storage asks us to slow down")
    if any(word in said.get("Message", "").lower() for word in _LOCKED):
        return Permanent("objects are locked: a legal hold or a retention period protects them")
    if code in _REFUSED:
        return Permanent("the object storage refuses our credentials")
    if code in _DOWN or (code in _ABSENT and not key):
        return Unavailable("the bucket does not exist or cannot be used now")
    if code in _ABSENT:
        return ObjectNotFound(key)
    if status >= _SERVER_ERROR or code == "InternalError":
        return Unavailable("the object storage has a fault of its own")
    return Permanent(f"the object storage refuses the call: {code or status}")

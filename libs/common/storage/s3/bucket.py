"""The blocking half of S3: calls of boto3, whose errors are raised as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS_PER_CALL = 1_000
CONNECTIONS = 32

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=CONNECTIONS,
    # Servers that only resemble S3 refuse the checksums that newer boto3 adds unasked.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    # Else URLs are signed as in 2006 for regions that still take that, and newer ones do not.
    signature_version="s3v4",
)
_PATH_STYLE = Config(s3={"addressing_style": "path"})

_UNKNOWN_CALL = {"NotImplemented", "MethodNotAllowed", "501", "405"}
_GONE_UPLOAD = "NoSuchUpload"
_VERSIONED = {"Enabled", "Suspended"}
_BEHIND_THE_END = "InvalidRange"

Markers: TypeAlias = dict[str, str]
"""What a list goes on behind, as arguments of the call."""


@dataclass(kw_only=True)
class MultipartUpload:
    """A multipart upload: ``etags`` by part number, from 1."""

    key: str
    media_type: str
    id: str = ""
    etags: dict[int, str] = field(default_factory=dict)


class Bucket:
    """One bucket, safe to use from several threads; it connects when first used."""

    def __init__(
        self,
        name: str,
        *,
        endpoint: str | None,
        region: str | None,
        access_key_id: str | None,
        secret_access_key: str | None,
    ) -> None:
        self._name = name
        self._options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": region or ("us-east-1" if endpoint else None),
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "config": _CONFIG.merge(_PATH_STYLE) if endpoint else _CONFIG,
        }
        self._client: Any = None
        self._connecting = Lock()
        self._known_versioned: tuple[bool, float] | None = None

    def versioned(self, known_for_s: float = 0) -> bool:
        """Return whether there may be versions of objects, which a plain delete only hides.

        An answer that is at most ``known_for_s`` seconds old is good enough.
        """
        known = self._known_versioned
        if known is None or monotonic() - known[1] >= known_for_s:
            known = self._known_versioned = (self._ask_versioned(), monotonic())
        return known[0]

    def _ask_versioned(self) -> bool:
        try:
            answer = self._s3().get_bucket_versioning(Bucket=self._name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN_CALL:
                return False
            raise
        return answer.get("Status") in _VERSIONED

    def exists(self) -> None:
        """Return if the bucket is there and may be used."""
        self._s3().head_bucket(Bucket=self._name)

    def put(self, key: str, data: bytes, media_type: str) -> None:
        """Store a small object in one call."""
        self._s3().put_object(Bucket=self._name, Key=key, Body=data, ContentType=media_type)

    def open(self, key: str, start: int, end: int | None) -> Any | None:
        """Return a body to read from and close, or None for a range without a byte."""
        if end is not None and end <= start:
            self.size(key)
            return None
        last = "" if end is None else end - 1
        whole = start == 0 and end is None  # a range of an empty object would be refused
        options = {} if whole else {"Range": f"bytes={start}-{last}"}
        try:
            return self._s3().get_object(Bucket=self._name, Key=key, **options)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] == _BEHIND_THE_END:
                return None
            raise

    def signed_url(self, key: str, expires_s: int, shown: Mapping[str, str]) -> str:
        """Return a URL of an object; ``shown`` are headers to answer with, as boto3 names them.

        It connects to nothing, unless the credentials are those of a machine's role.
        """
        url: str = self._s3().generate_presigned_url(
            "get_object",
            Params={"Bucket": self._name, "Key": key, **shown},
            ExpiresIn=expires_s,
        )
        return url

    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""
        return int(self._s3().head_object(Bucket=self._name, Key=key)["ContentLength"])

    def delete(self, keys: Sequence[str]) -> None:
        """Remove at most 1,000 objects; those that are not there are fine."""
        _raise_first(self._delete([{"Key": key} for key in keys]))

    def delete_versions(self, prefix: str, key: str | None = None) -> None:
        """Remove all versions and delete markers below a prefix, or only those of one ``key``.

        Those that cannot be removed keep no others: the first failure is raised at the end.
        """
        failures: list[ClientError] = []
        after: Markers = {}
        while True:
            answer = self._list_versions(prefix, KEYS_PER_CALL, after)
            found = [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
            doomed = [
                {"Key": version["Key"], "VersionId": version["VersionId"]}
                for version in found
                if key in (None, version["Key"])
            ]
            refused = self._delete(doomed)
            failures += refused
            if not answer.get("IsTruncated") or (key is not None and not doomed):
                return _raise_first(failures)
            after = _next(answer, after, "VersionId", removed=len(doomed) > len(refused))

    def abort_uploads(self, prefix: str) -> None:
        """Remove the parts of uploads below a prefix that were not completed.

        Those that cannot be removed keep no others: the first failure is raised at the end.
        """
        failures: list[ClientError] = []
        after: Markers = {}
        while True:
            answer = self._list_uploads(prefix, KEYS_PER_CALL, after)
            uploads = answer.get("Uploads", ())
            refused = [error for upload in uploads if (error := self._abort_if_there(upload))]
            failures += refused
            if not answer.get("IsTruncated"):
                return _raise_first(failures)
            after = _next(answer, after, "UploadId", removed=len(uploads) > len(refused))

    def may_list(self) -> None:
        """Return if all may be listed that has to be removed: objects, versions and uploads."""
        self._s3().list_objects_v2(Bucket=self._name, MaxKeys=1)
        if self.versioned():
            self._list_versions("", 1, {})
        self._list_uploads("", 1, {})

    def page(self, prefix: str, token: str) -> tuple[list[str], str]:
        """Return up to 1,000 keys and the token of the next page, ``""`` after the last."""
        options = {"ContinuationToken": token} if token else {}
        answer = self._s3().list_objects_v2(
            Bucket=self._name, Prefix=prefix, MaxKeys=KEYS_PER_CALL, **options
        )
        keys = [listed["Key"] for listed in answer.get("Contents", ())]
        return keys, answer.get("NextContinuationToken", "")

    def begin(self, upload: MultipartUpload) -> None:
        """Start a multipart upload; sets ``upload.id``."""
        answer = self._s3().create_multipart_upload(
            Bucket=self._name, Key=upload.key, ContentType=upload.media_type
        )
        upload.id = answer["UploadId"]

    def send_part(self, upload: MultipartUpload, number: int, data: bytes) -> None:
        """Upload one part, of at least 5 MiB unless it is the last."""
        answer = self._s3().upload_part(
            Bucket=self._name, Key=upload.key, UploadId=upload.id, PartNumber=number, Body=data
        )
        upload.etags[number] = answer["ETag"]

    def complete(self, upload: MultipartUpload) -> None:
        """Make the object of the parts."""
        parts = [
            {"PartNumber": number, "ETag": tag} for number, tag in sorted(upload.etags.items())
        ]
        self._s3().complete_multipart_upload(
            Bucket=self._name,
            Key=upload.key,
            UploadId=upload.id,
            MultipartUpload={"Parts": parts},
        )

    def abort(self, key: str, upload_id: str) -> None:
        """Remove the parts of an upload, which would be stored and billed for ever."""
        self._s3().abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload_id)

    def _list_versions(self, prefix: str, at_most: int, after: Markers) -> dict[str, Any]:
        answer: dict[str, Any] = self._s3().list_object_versions(
            Bucket=self._name, Prefix=prefix, MaxKeys=at_most, **after
        )
        return answer

    def _list_uploads(self, prefix: str, at_most: int, after: Markers) -> dict[str, Any]:
        """List nothing on a server that knows no list of uploads."""
        try:
            answer: dict[str, Any] = self._s3().list_multipart_uploads(
                Bucket=self._name, Prefix=prefix, MaxUploads=at_most, **after
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN_CALL:
                return {}
            raise
        return answer

    def _abort_if_there(self, upload: Mapping[str, str]) -> ClientError | None:
        """Return the failure, if it is one."""
        try:
            self.abort(upload["Key"], upload["UploadId"])
        except ClientError as error:
            return None if error.response["Error"]["Code"] == _GONE_UPLOAD else error
        return None

    def _delete(self, doomed: Sequence[dict[str, str]]) -> list[ClientError]:
        """Return a failure for each that could not be removed."""
        if not doomed:
            return []
        answer = self._s3().delete_objects(
            Bucket=self._name, Delete={"Objects": doomed, "Quiet": True}
        )
        return [ClientError({"Error": one}, "DeleteObjects") for one in answer.get("Errors", ())]

    def close(self) -> None:
        """Close the connections."""
        with self._connecting:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _s3(self) -> Any:
        with self._connecting:  # making a client is not thread-safe, using one is
            if self._client is None:
                self._client = boto3.session.Session().client("s3", **self._options)
            return self._client


def _raise_first(failures: Sequence[ClientError]) -> None:
    for failure in failures:
        raise failure


def _next(answer: Mapping[str, Any], after: Markers, name: str, *, removed: bool) -> Markers:
    """Return where to list from: the same place, as long as something of that page is removed.

    So a marker only ever names what is still there; not every server knows where another was.
    """
    if removed:
        return after
    markers = {marker: answer.get(f"Next{marker}") for marker in ("KeyMarker", f"{name}Marker")}
    return {marker: value for marker, value in markers.items() if value}

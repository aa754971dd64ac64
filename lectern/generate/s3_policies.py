"""What each service may do in the bucket, as policies for the user that it has there.

Written by hand from the keys in the code of the services; a test holds the two together.
``deploy/s3/<service>.json`` is what an administrator attaches.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BUCKET = "lectern"
"""As in the examples; change it where the bucket is called something else."""

_OF_THE_BUCKET = (
    "s3:GetBucketVersioning",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
)
_DELETE = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload")
_FAILURES = "documents/*/failures/*"


@dataclass(frozen=True)
class Access:
    """Patterns of keys, ``*`` for anything, that a service reads, writes and erases."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    erases: tuple[str, ...]


ACCESS: Mapping[str, Access] = {
    "gateway": Access(
        reads=("documents/*", "audio/*"),
        writes=(
            "documents/*/source.*",
            "documents/*/submitted.*",
            "documents/*/title.*",
            "documents/*/pages/*",
            "documents/*/audiobooks/*",
            "documents/*/shares/*",
            "users/*",
            "mails/*",
            _FAILURES,
        ),
        erases=("documents/*", "users/*", "mails/*"),
    ),
    "ingest": Access(
        reads=("documents/*",),
        writes=(
            "documents/*/source.*",
            "documents/*/fetched.*",
            "documents/*/pages/*",
            "documents/*/cover",
            "documents/*/parsed.json",
            _FAILURES,
        ),
        erases=("documents/*",),
    ),
    "segmenter": Access(
        reads=("documents/*",),
        writes=("documents/*/segments/*", _FAILURES),
        erases=("documents/*",),
    ),
    "synth": Access(
        reads=("documents/*", "audio/*", "calibrations/*"),
        writes=("audio/*", "calibrations/*", _FAILURES),
        erases=("documents/*", "audio/*"),
    ),
    "notifier": Access(
        reads=("documents/*", "users/*", "mails/*"),
        writes=(_FAILURES,),
        erases=("documents/*", "mails/*"),
    ),
}
"""Each erases what is below a document that was deleted: see docs/decisions/0034."""


def s3_policies(bucket: str = BUCKET) -> Iterator[tuple[str, str]]:
    """Yield the name of each service and its policy, as JSON of IAM."""
    for service, access in ACCESS.items():
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": list(_OF_THE_BUCKET),
                    "Resource": [f"arn:aws:s3:::{bucket}"],
                },
                _statement(bucket, ("s3:GetObject",), access.reads),
                _statement(bucket, ("s3:PutObject",), access.writes),
                _statement(bucket, _DELETE, access.erases),
            ],
        }
        yield service, json.dumps(policy, indent=2) + "\n"


def _statement(
    bucket: str, actions: tuple[str, ...], patterns: tuple[str, ...]
) -> dict[str, object]:
    resources = [f"arn:aws:s3:::{bucket}/{pattern}" for pattern in patterns]
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}

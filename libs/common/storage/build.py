"""The storage that a URL names."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from libs.common.storage.folder import FolderStorage

if TYPE_CHECKING:
    from libs.common.storage.s3.s3_storage import S3Storage

_S3_OPTIONS = {"endpoint", "region"}


def open_storage(
    url: str,
    *,
    access_key_id: SecretStr | None = None,
    secret_access_key: SecretStr | None = None,
) -> "FolderStorage | S3Storage":
    """Return the storage that ``url`` names; it connects when first used. Close it at the end.

    ``file:///var/lib/lectern/objects`` is a folder, ``s3://bucket?endpoint=http://host:9000&region=x``
    a bucket. Without the two keys, S3 credentials are found where boto3 looks for them.

    Raises:
        ValueError: The URL names no storage.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return FolderStorage(Path(unquote(parts.path)))
    options = dict(parse_qsl(parts.query))
    bucket = parts.netloc
    if parts.scheme != "s3" or not bucket or "@" in bucket or options.keys() - _S3_OPTIONS:
        raise ValueError(
            "not a storage URL: write file:///absolute/path or "
            "s3://bucket?endpoint=...&region=... (credentials have settings of their own)"
        )
    from libs.common.storage.s3.s3_storage import (
        S3Storage,  # boto3 loads slowly; standalone needs none
    )

    return S3Storage(
        bucket,
        endpoint=options.get("endpoint"),
        region=options.get("region"),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
    )

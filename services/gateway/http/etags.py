"""ETags that say a version, and the condition that it is that one still; RFC 9110, section 13.1."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Header

from services.gateway.http.problems import Refused
from services.gateway.kernel.errors import Stale

_TAG = re.compile(r'"([0-9]{1,9})"')

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='The ETag of what is to be changed, as `"0"`.'),
]


def etag_of(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def tagged_version(if_match: str | None) -> int | None:
    """Return the version that a condition names; None if it is none of ours."""
    match = _TAG.fullmatch(if_match.strip()) if if_match else None
    return None if match is None else int(match[1])


def check_version(if_match: str | None, version: int) -> None:
    """Return if ``version`` is what a condition asks for, or if there is no condition.

    Raises:
        Stale: It is another one.
    """
    asked = "*" if if_match is None else if_match.strip()
    if asked != "*" and tagged_version(asked) != version:
        raise Stale("It was changed since you read it. Read it again, then decide again.")


def named_revision(if_match: str | None) -> int:
    """Return the revision that a condition names, where nobody may change what they have not seen.

    Raises:
        Refused: It names none.
    """
    revision = tagged_version(if_match)
    if revision is None:
        raise Refused(
            HTTPStatus.PRECONDITION_REQUIRED,
            "revision_required",
            'Say which revision you changed, as the ETag of what you read: If-Match: "0".',
        )
    return revision

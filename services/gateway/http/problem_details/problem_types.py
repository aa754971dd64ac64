"""All kinds of problems that the API answers with (RFC 9457), and what each means.

The page of problems is made of this: docs/problems.md, and ``/api/problems`` of every gateway,
which the ``type`` of a problem leads to.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.http.problem_details.account_problems import ACCOUNT_PROBLEMS
from services.gateway.http.problem_details.document_problems import DOCUMENT_PROBLEMS
from services.gateway.http.problem_details.idempotency_problems import IDEMPOTENCY_PROBLEMS
from services.gateway.http.problem_details.request_problems import REQUEST_PROBLEMS
from services.gateway.http.problem_details.sharing_problems import SHARING_PROBLEMS

PAGE = "/api/problems"


@dataclass(frozen=True, kw_only=True)
class ProblemType:
    """One kind: ``code`` is for machines, ``meaning`` tells people what to do about it."""

    status: int
    code: str
    title: str
    meaning: str

    @property
    def uri(self) -> str:
        """Where it is explained, relative to the site."""
        return type_uri(self.code)


def type_uri(code: str) -> str:
    """Return the ``type`` of a problem."""
    return f"{PAGE}#{code}"


TEXTS = (
    REQUEST_PROBLEMS,
    IDEMPOTENCY_PROBLEMS,
    DOCUMENT_PROBLEMS,
    SHARING_PROBLEMS,
    ACCOUNT_PROBLEMS,
)
"""A feature with problems of its own has a module of them here."""

PROBLEM_TYPES: Mapping[str, ProblemType] = {
    code: ProblemType(status=status, code=code, title=title, meaning=meaning)
    for texts in TEXTS
    for status, of_status in texts.items()
    for code, (title, meaning) in of_status.items()
}
"""By code."""

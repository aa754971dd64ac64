"""The page that explains all problems: as Markdown for docs/problems.md, as HTML for people."""

from collections.abc import Sequence
from html import escape

from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES, ProblemType

TITLE = "Problems"
INTRODUCTION = (
    "Every error of the API is answered as problem details (RFC 9457), with the media type "
    "application/problem+json. `code` is for programs and never changes its meaning, `detail` is a "
    "sentence about this very request, `request_id` is what an operator finds in the logs, and "
    "`type` leads to one of the sections below."
)


def problems_markdown() -> str:
    """Return docs/problems.md."""
    sections = [_section(kind) for kind in PROBLEM_TYPES.values()]
    return "\n\n".join([f"# {TITLE}", INTRODUCTION, *sections]) + "\n"


def _section(kind: ProblemType) -> str:
    anchor = f'<a id="{kind.code}"></a>'
    return f"{anchor}\n\n## {kind.code}\n\n{kind.status}, {kind.title}. {kind.meaning}"


def problems_html() -> str:
    """Return the page that ``type`` of a problem leads to."""
    head = f'<meta charset="utf-8"><title>{TITLE} - Lectern</title>'
    body = [f"<h1>{TITLE}</h1>", f"<p>{_inline(INTRODUCTION)}</p>"]
    for kind in PROBLEM_TYPES.values():
        body += _html_section(kind)
    lines = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{lines}</body></html>\n'


def _html_section(kind: ProblemType) -> Sequence[str]:
    return (
        f'<h2 id="{kind.code}"><code>{kind.code}</code></h2>',
        f"<p>{kind.status}, {escape(kind.title)}. {_inline(kind.meaning)}</p>",
    )


def _inline(text: str) -> str:
    """Return text with what stands in backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))

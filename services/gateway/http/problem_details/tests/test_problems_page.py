import re
from pathlib import Path

from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES
from services.gateway.http.problem_details.problems_page import problems_html, problems_markdown

ROOT = Path(__file__).resolve().parents[5]


def test_the_document_is_fresh():
    assert (ROOT / "docs/problems.md").read_text() == problems_markdown(), "run `make generate`"


def test_every_code_has_an_anchor():
    for code in PROBLEM_TYPES:
        assert f'<a id="{code}"></a>' in problems_markdown()
        assert f'<h2 id="{code}">' in problems_html()


def test_it_is_html_without_anything_that_runs():
    tags = re.findall(r"<([a-z0-9]+)", problems_html())
    assert set(tags) == {"html", "head", "meta", "title", "body", "h1", "h2", "p", "code"}


async def test_the_type_of_a_problem_leads_there(world, client):
    answer = await client.get("/nothing")
    kind = answer.json()["type"]
    path, _, anchor = kind.partition("#")
    client.headers.pop("Authorization")
    page = await client.get(f"http://gateway{path}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'id="{anchor}"' in page.text
    assert re.search("default-src 'none'", page.headers["content-security-policy"])

import re

import pytest


@pytest.fixture
async def page(client):
    client.headers.pop("Authorization")
    return await client.get("http://gateway/api/docs")


async def test_it_shows_every_operation_and_schema(client, page):
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    described = (await client.get("/openapi.json")).json()
    for path, item in described["paths"].items():
        assert f"<code>GET {path}</code>" in page.text or "get" not in item
        for method, operation in item.items():
            assert method == "head" or f'<h3 id="{operation["operationId"]}">' in page.text
    for name in described["components"]["schemas"]:
        assert f'id="schema-{name}"' in page.text


async def test_its_links_lead_somewhere(client, page):
    there = set(re.findall(r' id="([^"]+)"', page.text))
    for target in set(re.findall(r'href="([^"]+)"', page.text)):
        if target.startswith("#"):
            assert target[1:] in there
        else:
            assert (await client.get(f"http://gateway{target}")).status_code == 200


async def test_nothing_of_it_runs_or_comes_from_elsewhere(page):
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "script" not in policy
    for inline in ("<script", "<style", " style=", " onclick", "http://", "https://"):
        assert inline not in page.text.replace("http:// or https://", "")

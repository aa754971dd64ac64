import pytest

from services.gateway.http.description import served
from services.gateway.tests.world import a_world


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/openapi.json", "application/json"),
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/style.css", "text/css; charset=utf-8"),
        ("/api/problems", "text/html; charset=utf-8"),
    ],
)
async def test_everybody_may_read_what_describes_the_api(client, path, kind):
    client.headers.pop("Authorization")
    answer = await client.get(f"http://gateway{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert (await client.get(f"http://gateway{path}?x=1")).status_code == 422


async def test_the_document_is_made_once(tmp_path, monkeypatch):
    made = []

    def counted(app, server):
        made.append(server)
        return {"paths": {}}

    monkeypatch.setattr(served, "openapi_document", counted)
    async with a_world(tmp_path) as world, world.client() as client:
        for _ in range(3):
            await client.get("/openapi.json")
    assert made == ["/"]

import pytest

from services.gateway.http.context import MAX_PAGE


@pytest.mark.slow
@pytest.mark.parametrize("page", ["0", "-1", str(MAX_PAGE + 1), "first"])
async def test_what_is_no_page_is_not_found(world, client, page):
    document = await world.hand_in()
    answer = await client.get(f"/documents/{document}/pages/{page}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

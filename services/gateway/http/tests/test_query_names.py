import pytest

JSON = {"Content-Type": "application/json"}


async def test_a_misspelled_parameter_is_named_with_those_that_there_are(client):
    answer = await client.get("/documents?limitt=10&limit=1")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown_parameter")
    assert problem["detail"] == (
        "This address has no query parameter 'limitt'. There are: cursor, limit, "
        "media_type, sort, source_kind, state, title."
    )


async def test_names_of_raw_uploads_are_known(client):
    octets = {"Content-Type": "application/octet-stream"}
    known = await client.post("/documents?filename=a.txt&title=A", content=b"x", headers=octets)
    assert known.status_code == 202, known.text
    unknown = await client.post("/documents?name=a.txt", content=b"x", headers=octets)
    assert unknown.json()["detail"].endswith("There are: filename, narrate, title.")


@pytest.mark.parametrize("path", ["/openapi.json", "/../problems", "/documents/{document}"])
async def test_an_address_without_any(world, client, path):
    document = await world.hand_in()
    answer = await client.get(path.format(document=document) + "?x=1")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter")
    assert answer.json()["detail"].endswith("There are none.")


async def test_who_is_not_signed_in_learns_nothing_of_them(client):
    client.headers.pop("Authorization")
    assert (await client.get("/documents?x=1")).status_code == 401


async def test_long_names_and_many_are_cut(client):
    query = "&".join(f"{number}{'x' * 1000}=1" for number in range(10))
    answer = await client.get(f"/documents?{query}")
    assert len(answer.json()["detail"]) < 400


async def test_what_another_site_sends_along_may_have_any_names(client):
    answer = await client.get("https://gateway/login/nobody/callback?state=s&authuser=0&x=1")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    answer = await client.get("https://gateway/login/nobody?x=1")
    assert answer.json()["code"] == "unknown_parameter"

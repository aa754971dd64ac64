from uuid import uuid4

import pytest

from services.gateway.staff.queries import StaffQueries
from services.gateway.tests.everything import account

pytestmark = pytest.mark.slow


async def listed(staff, **query):
    answer = await staff.get("/users", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_users_are_listed_in_parts_with_figures_and_no_content(people, staff):
    world = people.world
    await world.hand_in(b"some text")
    for number in range(5):
        await account(world, uuid4(), f"Reader{number}@example.org")
    seen, following = [], None
    while True:
        part = await listed(staff, limit=2, **({"cursor": following} if following else {}))
        seen += part["items"]
        following = part["next"]
        if following is None:
            break
    assert [user["address"] for user in seen] == [
        *(f"Reader{number}@example.org" for number in reversed(range(5))),
        "Root@example.org",
    ]
    assert seen[-1] == {
        "user_id": str(world.owner),
        "address": "Root@example.org",
        "is_staff": True,
        "created_at": seen[-1]["created_at"],
        "disabled_at": None,
        "documents": 1,
        "stored_bytes": 9,
    }


@pytest.mark.parametrize(
    ("search", "count"), [("READER", 2), ("r1@", 1), ("%", 0), ("_", 1), ("nobody", 0)]
)
async def test_search_is_part_of_an_address_and_no_pattern(people, search, count):
    for address in ("reader1@example.org", "reader_2@example.net"):
        await account(people.world, uuid4(), address)
    found = await StaffQueries(people.world.database).users(10, search=search)
    assert len(found.items) == count


async def test_what_is_no_place_in_the_list(staff):
    answer = await staff.get("/users", params={"cursor": "nowhere"})
    assert answer.json()["code"] == "bad_cursor"

from libs.common.storage.memory import MemoryStorage


async def test_a_test_can_look_inside():
    storage = MemoryStorage({"a": b"given"})
    assert await storage.read("a") == b"given"
    await storage.write("b", b"written")
    assert storage.objects == {"a": b"given", "b": b"written"}


async def test_given_an_empty_dict_it_uses_that_one():
    objects: dict[str, bytes] = {}
    await MemoryStorage(objects).write("a", b"x")
    assert objects == {"a": b"x"}

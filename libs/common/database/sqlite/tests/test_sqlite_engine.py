from libs.common.database.engine import Database


async def test_makes_the_folder_of_a_file(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/new/deep/test.db")
    await database.check()
    assert (tmp_path / "new/deep/test.db").is_file()
    await database.close()

import argparse
import asyncio

import pytest
from sqlalchemy import select

from lectern.cli import run
from lectern.exits import Failed
from lectern.maintenance.service_databases import (
    open_database,
    open_database_as_it_is,
    service_name,
)
from lectern.service_catalog import SERVICES
from libs.common.settings import InvalidSettings
from libs.common.store.tables import events


async def test_a_data_folder_is_opened_up_to_date(tmp_path):
    (tmp_path / "synth.db").touch()
    spec = next(spec for spec in SERVICES if spec.name == "synth")
    database = await open_database(spec, tmp_path)
    assert await database.fetch(select(events)) == []
    await database.close()


async def test_a_folder_that_has_none_gets_none(tmp_path):
    with pytest.raises(Failed, match=r"gateway\.db"):
        await open_database(SERVICES[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opened", [open_database, open_database_as_it_is])
async def test_without_either_both_ways_are_told(monkeypatch, opened):
    monkeypatch.delenv("GATEWAY_DATABASE_URL", raising=False)
    with pytest.raises(InvalidSettings, match="GATEWAY_DATABASE_URL") as told:
        await opened(SERVICES[0], None)
    assert "or name a standalone's folder with --data" in str(told.value)


async def test_other_settings_that_are_wrong_are_told_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/elsewhere.db")
    monkeypatch.setenv("GATEWAY_HTTP_PORT", "high")
    with pytest.raises(InvalidSettings) as told:
        await open_database(SERVICES[0], None)
    assert "--data" not in str(told.value)


async def test_without_a_folder_it_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/elsewhere.db")
    database = await open_database(SERVICES[0], None)
    assert str(database.url.database) == f"{tmp_path}/elsewhere.db"
    await database.close()


def test_a_service_has_a_name():
    assert service_name("ingest") == "ingest"
    with pytest.raises(argparse.ArgumentTypeError, match="gateway, ingest"):
        service_name("library")


async def test_commands_of_operators_work_behind_a_pooler(pgbouncer_database, monkeypatch, capsys):
    monkeypatch.setenv("GATEWAY_DATABASE_URL", pgbouncer_database)
    monkeypatch.setenv("GATEWAY_DATABASE_POOLER", "transaction")
    for command in (
        ["migrate", "gateway"],
        ["token", "create", "--name", "phone"],
        ["token", "list"],
        ["events", "list", "gateway"],
        ["events", "republish", "gateway", "--all"],
        ["rebuild", "--workers", "1"],
    ):
        assert await asyncio.to_thread(run, command) == 0, capsys.readouterr()
    monkeypatch.delenv("GATEWAY_DATABASE_POOLER")
    assert await asyncio.to_thread(run, ["token", "list"]) == 75
    assert "08P01" in capsys.readouterr().err  # as docs/runbooks/databases.md says

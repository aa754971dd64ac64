import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from lectern import operating
from lectern.cli import run
from lectern.service_catalog import SERVICES
from libs.common.contracts.cloudevents import rfc3339

TOKEN = re.compile(r"lectern_[\w-]{43}\n")


@pytest.fixture
def data(tmp_path):
    """The option that names the folder of a standalone that has run."""
    (tmp_path / "gateway.db").touch()
    return ["--data", str(tmp_path)]


def test_a_token_is_made_shown_once_listed_and_revoked(data, capsys):
    owner = str(uuid4())
    assert run(["token", "create", *data, "--name", "phone", "--owner", owner]) == 0
    made = capsys.readouterr()
    assert TOKEN.fullmatch(made.out)
    assert owner in made.err
    assert made.out.strip() not in made.err
    assert run(["token", "list", *data]) == 0
    listed = capsys.readouterr().out
    line = re.fullmatch(rf"(\S+) phone +{owner} valid since \S+ [a-z ]+ never used\n", listed)
    assert line is not None
    assert made.out.strip() not in listed
    assert run(["token", "revoke", *data, "--id", line[1]]) == 0
    assert capsys.readouterr().out == "revoked\n"
    for gone in (line[1], owner):
        assert run(["token", "revoke", *data, "--id", gone]) == 1
        assert capsys.readouterr().out == "there is no such token that is valid\n"
    assert run(["token", "list", *data]) == 0
    assert " revoked since " in capsys.readouterr().out


def test_a_token_may_be_good_for_less_than_everything(data, capsys):
    create = ["token", "create", *data, "--name"]
    assert run([*create, "player", "--scope", "read"]) == 0
    assert run([*create, "script", "--scope", "write", "--scope", "read"]) == 0
    assert run([*create, "all"]) == 0
    with pytest.raises(SystemExit):
        run([*create, "nothing", "--scope", "everything"])
    capsys.readouterr()
    assert run(["token", "list", *data]) == 0
    listed = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}
    assert listed["player"].endswith("Z read never used")
    assert listed["script"].endswith("Z read write never used")
    assert listed["all"].endswith("Z admin read share write never used")


def test_a_token_whose_time_is_over_is_not_called_valid(data, capsys, monkeypatch):
    create = ["token", "create", *data, "--name", "guest", "--valid-days"]
    assert run([*create, "1"]) == 0
    for wrong in ("0", "-1", "99999999", "soon"):
        with pytest.raises(SystemExit) as ended:
            run([*create, wrong])
        assert ended.value.code == 2
    assert "number of days" in capsys.readouterr().err
    monkeypatch.setattr(operating, "rfc3339", lambda moment: rfc3339(moment + timedelta(days=2)))
    assert run(["token", "list", *data]) == 0
    assert " expired since " in capsys.readouterr().out


def test_tokens_without_a_folder_need_the_gateways_database(monkeypatch, capsys):
    monkeypatch.delenv("GATEWAY_DATABASE_URL", raising=False)
    assert run(["token", "list"]) == 78
    said = capsys.readouterr().err
    assert "GATEWAY_DATABASE_URL" in said
    assert "or name a standalone's folder with --data" in said


@pytest.mark.parametrize(
    "action", [["list"], ["create", "--name", "phone"], ["revoke", "--id", str(UUID(int=7))]]
)
def test_where_no_standalone_is_none_is_made(tmp_path, capsys, action):
    wrong = tmp_path / "wrong"
    for exists in (False, True):
        assert wrong.exists() == exists
        assert run(["token", *action, "--data", str(wrong)]) == 66
        said = capsys.readouterr()
        assert said.out == ""
        assert str(wrong / "gateway.db") in said.err
        assert "lectern serve" in said.err
        assert list(tmp_path.rglob("*.db*")) == []
        wrong.mkdir(exist_ok=True)


@pytest.mark.parametrize("wrong", ["audio.red=24", "audio.ready=0"])
def test_a_retention_that_cannot_be_is_refused_before_kafka_is_asked(monkeypatch, capsys, wrong):
    monkeypatch.setenv("LECTERN_KAFKA_BOOTSTRAP_SERVERS", "nowhere.invalid:1")
    monkeypatch.setenv("LECTERN_STORAGE_URL", "file:///nowhere")
    monkeypatch.setenv("LECTERN_TOPIC_RETENTION_HOURS", wrong)
    assert run(["topics", "create"]) == 78
    assert wrong.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["KAFKA_CA_FILE", "TOPIC_RETENTION_HOURS"])
def test_topics_are_not_made_with_settings_that_services_refuse(
    tmp_path, monkeypatch, capsys, setting
):
    monkeypatch.setenv("LECTERN_KAFKA_BOOTSTRAP_SERVERS", "nowhere.invalid:1")
    monkeypatch.setenv("LECTERN_STORAGE_URL", "file:///nowhere")
    monkeypatch.setenv("LECTERN_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv(f"LECTERN_{setting}", str(tmp_path / "missing.pem"))
    assert run(["topics", "create"]) == 78
    said = capsys.readouterr().err
    assert f"LECTERN_{setting}" in said
    assert "missing.pem" in said


@pytest.fixture
def databases(tmp_path, monkeypatch):
    """Addresses of databases, and of nothing else: migrations need no more."""
    for name in ("LECTERN_STORAGE_URL", "LECTERN_KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    for spec in SERVICES:
        url = f"sqlite+aiosqlite:///{tmp_path / spec.name}.db"
        monkeypatch.setenv(f"{spec.name.upper()}_DATABASE_URL", url)
    return tmp_path


def test_databases_are_migrated_by_name_or_all_and_twice(databases, capsys):
    assert run(["migrate", "synth"]) == 0
    assert capsys.readouterr().out == "synth: up to date\n"
    assert not (databases / "ingest.db").exists()
    for _ in range(2):
        assert run(["migrate"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines == [f"{spec.name}: up to date" for spec in SERVICES]

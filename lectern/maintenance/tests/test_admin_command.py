import re
from uuid import UUID

import pytest

from lectern.cli import run
from lectern.data_folder import data_folder_secret, mail_link_key
from lectern.exits import Exit
from lectern.reading import LOCAL_OWNER
from lectern.standalone import Options, running
from libs.common.mail_links import MailLinks

LINK = re.compile(r"http://127\.0\.0\.1:8000/links/([0-9a-f-]{36})/([\w-]{43})\n")


@pytest.fixture
async def folder(tmp_path):
    async with running(Options(data=tmp_path)) as lectern:
        await lectern.until_ready()
    return tmp_path


def admin(folder, *arguments):
    return run(["admin", *arguments, "--data", str(folder)])


@pytest.mark.slow
@pytest.mark.parametrize("how", [["create", "--staff"], ["adopt", str(LOCAL_OWNER)]])
def test_a_link_is_printed_that_this_installation_takes(folder, capsys, how):
    assert admin(folder, *how, "--email", "ada@example.org") == Exit.OK
    found = LINK.fullmatch(capsys.readouterr().out)
    assert found
    links = MailLinks.read(mail_link_key(data_folder_secret(folder)))
    assert links.has_secret(UUID(found[1]), found[2])


@pytest.mark.slow
def test_who_is_nobody_is_neither_invited_nor_disabled(folder, capsys):
    assert admin(folder, "invite", "--email", "nobody") == Exit.BAD_DOCUMENT
    assert "no mail address" in capsys.readouterr().err
    for action in ("disable", "enable"):
        assert admin(folder, action, "--email", "ada@example.org") == Exit.NO_INPUT
    assert "no such account" in capsys.readouterr().err
    assert admin(folder, "invite", "--email", "ada@example.org") == Exit.OK


def test_where_there_is_no_folder(tmp_path, capsys):
    assert admin(tmp_path, "create", "--email", "ada@example.org") == Exit.NO_INPUT
    assert "--data" in capsys.readouterr().err

"""``lectern admin``: the accounts of an installation, from where it runs."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import services.gateway.app
from lectern.data_folder import data_folder_secret
from lectern.exits import Exit, Failed
from lectern.maintenance.service_databases import add_data_folder, open_database
from lectern.service_catalog import SERVICES
from lectern.standalone import Options, common_settings, service_settings
from libs.common.settings import CommonSettings, load
from services.gateway.accounts.administration.administering import Administration, Newcomer
from services.gateway.kernel.errors import NotFound
from services.gateway.settings import Settings as GatewaySettings

GATEWAY = "http://127.0.0.1:8000"
GOOD_FOR = "the link is good for three days, and once\n"


def add_to(commands: Any) -> None:
    """Add the commands."""
    admin = commands.add_parser("admin", help="accounts of people").add_subparsers(required=True)
    create = admin.add_parser("create", help="print a link with which somebody gets an account")
    create.set_defaults(run=create_account)
    invite = admin.add_parser("invite", help="have somebody mailed such a link")
    invite.set_defaults(run=invite_by_mail)
    adopt = admin.add_parser("adopt", help="print such a link for an owner who has but tokens")
    adopt.set_defaults(run=create_account)
    adopt.add_argument("owner", type=UUID, help="as `lectern token list` shows it")
    disable = admin.add_parser("disable", help="end sessions and tokens, and let nobody log in")
    disable.set_defaults(run=disable_account)
    enable = admin.add_parser("enable", help="let somebody log in again")
    enable.set_defaults(run=enable_account)
    for command in (create, invite, adopt, disable, enable):
        command.add_argument("--email", required=True, help="a mail address of theirs")
        add_data_folder(command)
    for command in (create, invite, adopt):
        command.add_argument("--staff", action="store_true", help="they see figures and failures")
    for command in (create, adopt):
        command.add_argument("--url", default=GATEWAY, help=f"of the gateway; default: {GATEWAY}")
        command.set_defaults(owner=None)


async def create_account(arguments: argparse.Namespace) -> int:
    """Print a link on standard output."""
    async with _administration(arguments.data) as administration:
        path = await administration.link_for(_newcomer(arguments, arguments.owner))
    print(arguments.url.rstrip("/") + path)
    sys.stderr.write(GOOD_FOR)
    return Exit.OK


async def invite_by_mail(arguments: argparse.Namespace) -> int:
    """Have a mail sent."""
    async with _administration(arguments.data) as administration:
        await administration.invite(_newcomer(arguments, None))
    sys.stderr.write(f"the notifier sends a mail; {GOOD_FOR}")
    return Exit.OK


async def disable_account(arguments: argparse.Namespace) -> int:
    """Close an account for now."""
    async with _administration(arguments.data) as administration:
        changed = await administration.disable(arguments.email)
    sys.stderr.write("disabled; processes of the gateway know within 5 seconds\n" * changed)
    return Exit.OK if changed else Exit.NOTHING_DONE


async def enable_account(arguments: argparse.Namespace) -> int:
    """Open an account again."""
    async with _administration(arguments.data) as administration:
        changed = await administration.enable(arguments.email)
    return Exit.OK if changed else Exit.NOTHING_DONE


def _newcomer(arguments: argparse.Namespace, owner: UUID | None) -> Newcomer:
    return Newcomer(address=arguments.email, is_staff=arguments.staff, owner_id=owner)


@asynccontextmanager
async def _administration(data: Path | None) -> AsyncIterator[Administration]:
    """Yield the commands on the gateway's database; its jobs and events wait for the gateway.

    Raises:
        Failed: There is no such folder, or no such account.
        InvalidSettings: The environment does not say what is needed.
    """
    common, settings = await _settings(data)
    assembly = await asyncio.to_thread(services.gateway.app.assemble, common, settings)
    try:
        yield Administration(assembly.kernel)
    except NotFound as error:
        raise Failed(Exit.NO_INPUT, str(error)) from None
    finally:
        await assembly.parts.database.close()


async def _settings(data: Path | None) -> tuple[CommonSettings, GatewaySettings]:
    if data is None:
        return load(CommonSettings), load(GatewaySettings)
    database = await open_database(SERVICES[0], data)
    await database.close()
    options = Options(data=data)
    common = common_settings(options, "nowhere:9092", data_folder_secret(data))
    return common, load(GatewaySettings, **service_settings(options, "gateway"))

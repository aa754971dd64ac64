from ipaddress import ip_address

import pytest

from libs.common.errors import Rejected
from services.ingest.sources.addresses import is_public, resolve


@pytest.mark.parametrize("text", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111"])
def test_public(text):
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_not_public(text):
    assert not is_public(ip_address(text))


async def test_numbers_resolve_to_what_they_stand_for():
    assert ip_address("127.0.0.1") in await resolve("2130706433", 80)


async def test_impossible_names_are_rejected():
    with pytest.raises(Rejected):
        await resolve("a" * 70 + ".test", 80)

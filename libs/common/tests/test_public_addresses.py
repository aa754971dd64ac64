import csv
import io
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.public_addresses import REACHABLE, UNREACHABLE, is_loopback, is_public, resolve

REGISTRIES = """\
0.0.0.0/8,False
0.0.0.0/32,False
10.0.0.0/8,False
100.64.0.0/10,False
127.0.0.0/8,False
169.254.0.0/16,False
172.16.0.0/12,False
192.0.0.0/24,False
192.0.0.0/29,False
192.0.0.8/32,False
192.0.0.9/32,True
192.0.0.10/32,True
192.0.0.170/32,False
192.0.0.171/32,False
192.0.2.0/24,False
192.31.196.0/24,True
192.52.193.0/24,True
192.88.99.0/24,N/A
192.88.99.2/32,False
192.168.0.0/16,False
192.175.48.0/24,True
198.18.0.0/15,False
198.51.100.0/24,False
203.0.113.0/24,False
240.0.0.0/4,False
255.255.255.255/32,False
::1/128,False
::/128,False
::ffff:0:0/96,False
64:ff9b:1::/48,False
100::/64,False
100:0:0:1::/64,False
2001::/23,False
2001::/32,N/A
2001:1::1/128,True
2001:1::2/128,True
2001:1::3/128,True
2001:2::/48,False
2001:3::/32,True
2001:4:112::/48,True
2001:10::/28,N/A
2001:20::/28,True
2001:30::/28,True
2001:db8::/32,False
2002::/16,N/A
2620:4f:8000::/48,True
3fff::/20,False
5f00::/16,False
fc00::/7,False
fe80::/10,False
"""
"""Address Block and Globally Reachable, row by row, of both registries; without 64:ff9b::/96, of
which the address behind it decides."""
ROWS = [(ip_network(block), said) for block, said in csv.reader(io.StringIO(REGISTRIES))]


def expected(address):
    """What the smallest row that holds the address says, None if there is none."""
    rows = [(block.prefixlen, said) for block, said in ROWS if address in block]
    return max(rows)[1] == "True" if rows else None


addresses_of_rows = st.sampled_from(ROWS).flatmap(
    lambda row: st.integers(int(row[0][0]), int(row[0][-1])).map(
        lambda number: type(row[0][0])(number)
    )
)


@given(addresses_of_rows)
def test_what_the_registries_name_is_as_public_as_they_say(address):
    assert is_public(address) is expected(address)


@pytest.mark.parametrize(("block", "said"), ROWS, ids=str)
def test_every_row_holds_at_both_of_its_ends(block, said):
    for address in (block[0], block[-1]):
        assert is_public(address) is expected(address)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_the_rest_of_ipv4_is_public_but_for_multicast(address):
    if expected(address) is None:
        assert is_public(address) is (address not in ip_network("224.0.0.0/4"))


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_the_rest_of_ipv6_is_public_where_addresses_are_given_out(address):
    if expected(address) is None and address not in ip_network("64:ff9b::/96"):
        assert is_public(address) is (address in ip_network("2000::/3"))


@given(st.integers(0, 2**32 - 1))
def test_behind_nat64_is_what_is_behind_it(number):
    behind = ip_address(int(IPv6Address("64:ff9b::")) + number)
    assert is_public(behind) is is_public(IPv4Address(number))


def test_the_table_names_every_row_once():
    known = [*REACHABLE, *UNREACHABLE]
    assert len(known) == len(set(known))
    left_out = {str(block) for block, _ in ROWS} - set(known)
    assert left_out == {"0.0.0.0/32"}, "inside 0.0.0.0/8, and no other"


@pytest.mark.parametrize("text", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111"])
def test_websites(text):
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "224.0.0.1",
        "fec0::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "::10.0.0.1",
        "::93.184.215.14",
        "64:ff9b::7f00:1",
        "64:ff9b:1::5db8:d70e",
        "2002:7f00:1::",
        "2002:5db8:d70e::",
        "2001:0:5db8:d70e::1",
        "4000::1",
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_not_public(text):
    assert not is_public(ip_address(text))


async def test_numbers_resolve_to_what_they_stand_for():
    assert ip_address("127.0.0.1") in await resolve("2130706433", 80)
    assert ip_address("fe80::1") in await resolve("fe80::1%lo", 80)


async def test_impossible_names_do_not_resolve():
    with pytest.raises(UnicodeError):
        await resolve("a" * 70 + ".test", 80)
    with pytest.raises(socket.gaierror):
        await resolve("no host", 80)


@pytest.mark.parametrize("host", ["LOCALHOST", "::1", "127.9.9.9"])
def test_this_machine_is_known_by_name_and_number(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", ""])
def test_others_are_not_taken_for_it(host):
    assert not is_loopback(host)

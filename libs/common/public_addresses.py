"""Which addresses are on the public internet, for whatever connects to where a stranger said.

An address is public if IANA's registries of special-purpose addresses say that it is globally
reachable, or do not name it. Of the blocks that hold an address, the smallest decides. What they
call neither reachable nor not (6to4, Teredo, their relays) is not: it leads to another address.
The well-known prefix of NAT64 is as public as the IPv4 address behind it. Of IPv6, only 2000::/3 is
given out; all else is not public: site-local, IPv4-compatible and unassigned addresses.

Sources, as of 2025-10-09, column "Globally Reachable":
https://www.iana.org/assignments/iana-ipv4-special-registry/ and
https://www.iana.org/assignments/iana-ipv6-special-registry/; multicast: RFC 5771, RFC 4291.
Python's own ``is_global`` is not asked: it follows other states of them in every release.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

REACHABLE = (
    "192.0.0.9/32",  # Port Control Protocol anycast
    "192.0.0.10/32",  # TURN anycast
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.175.48.0/24",  # AS112
    "64:ff9b::/96",  # NAT64
    "2001:1::1/128",  # Port Control Protocol anycast
    "2001:1::2/128",  # TURN anycast
    "2001:1::3/128",  # service registration anycast
    "2001:3::/32",  # AMT
    "2001:4:112::/48",  # AS112
    "2001:20::/28",  # ORCHIDv2
    "2001:30::/28",  # drone identifiers
    "2620:4f:8000::/48",  # AS112
)
UNREACHABLE = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared between carriers and their customers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.0.0/29",  # IPv4 service continuity
    "192.0.0.8/32",  # dummy
    "192.0.0.170/32",  # NAT64 discovery
    "192.0.0.171/32",  # NAT64 discovery
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relay anycast (neither)
    "192.88.99.2/32",  # 6a44 relay anycast
    "192.168.0.0/16",  # private
    "198.18.0.0/15",  # benchmarking
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved
    "255.255.255.255/32",  # broadcast
    "::/128",  # unspecified
    "::1/128",  # loopback
    "::ffff:0:0/96",  # IPv4-mapped
    "64:ff9b:1::/48",  # translation, local use
    "100::/64",  # discard-only
    "100:0:0:1::/64",  # dummy
    "2001::/23",  # protocol assignments
    "2001::/32",  # Teredo (neither)
    "2001:2::/48",  # benchmarking
    "2001:10::/28",  # ORCHID (neither)
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4 (neither)
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing identifiers
    "fc00::/7",  # unique-local
    "fe80::/10",  # link-local
    "ff00::/8",  # multicast
)

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_GIVEN_OUT = IPv6Network("2000::/3")  # RFC 4291, 2.4
_IPV4_MASK = 0xFFFFFFFF


def _blocks() -> list[tuple[IPv4Network | IPv6Network, bool]]:
    """Return all blocks and whether they are reachable, the smallest first."""
    found = [(ip_network(block), True) for block in REACHABLE]
    found += [(ip_network(block), False) for block in UNREACHABLE]
    return sorted(found, key=lambda block: -block[0].prefixlen)


_BLOCKS = _blocks()


def is_public(address: Address) -> bool:
    """Say whether an address is on the public internet; the zone of an IPv6 address is ignored."""
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & _IPV4_MASK))
    for block, reachable in _BLOCKS:
        if address in block:
            return reachable
    return isinstance(address, IPv4Address) or address in _GIVEN_OUT


async def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of ``host`` as :func:`resolve_blocking` does, from another thread."""
    return await asyncio.to_thread(resolve_blocking, host, port)


def resolve_blocking(host: str, port: int) -> list[Address]:
    """Return the addresses of ``host``, without zones, in the order in which to try them.

    ``host`` may be an address itself, in any notation that the system reads.

    Raises:
        OSError: There is no such host, or the name service does not answer (socket.gaierror).
        UnicodeError: No host can have this name.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(row[4][0]).partition("%")[0]) for row in found]


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, a name or an IP address, names this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

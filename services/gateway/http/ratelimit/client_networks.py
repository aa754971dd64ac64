"""Where a request comes from, as far as that tells clients apart."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

IPV6_PREFIX_BITS = 56
"""Whoever has one IPv6 address has as many as they like of a network like this: homes and small
offices are given one of them, or a larger one (RFC 6177, section 2)."""
UNKNOWN = "unknown"


def client_network(scope: Scope) -> str:
    """Return the address of a client, of IPv6 its network.

    It is that of the connection, or what a trusted proxy said; see ``exposure.py``.
    """
    try:
        address = ip_address((scope.get("client") or (UNKNOWN, 0))[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), IPV6_PREFIX_BITS), strict=False))
    return str(address)

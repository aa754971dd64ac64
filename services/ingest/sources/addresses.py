"""Which addresses a server of ours may talk to on behalf of a stranger."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from libs.common.errors import Rejected, Transient

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_IPV4_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1
_IPV4_MASK = 0xFFFFFFFF


def is_public(address: Address) -> bool:
    """Say whether an address is on the public internet, as is every IPv4 address inside of it.

    Private, loopback, link-local (the cloud's metadata service), multicast, shared and reserved
    addresses are not.
    """
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(embedded)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )


def _embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        return IPv4Address(int(address) & _IPV4_MASK)
    return address.ipv4_mapped or address.sixtofour


async def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of ``host``, in the order in which to try them.

    Raises:
        Rejected: there is no such host.
        Transient: the name service does not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise Transient("the name service does not answer") from error
        raise Rejected("unknown_host", f"There is no website at {host}.") from error
    except UnicodeError as error:
        raise Rejected("bad_url", "This is not a valid web address.") from error
    return [ip_address(str(row[4][0]).partition("%")[0]) for row in found]

"""Who a call counts for, where calls are counted."""

import ipaddress
from functools import lru_cache

from reactor.runtime.calls import Call

__all__ = ["caller_address", "caller_name"]


def caller_name(call: Call) -> str:
    """The user who calls; of somebody who is not signed in, the address.

    A user is issuer and subject: other claims may change with every token.
    """
    attributes = call.identity.attributes
    if attributes is None:
        return caller_address(call)
    return f"user {attributes.get('tokenIdentifier') or call.identity.key}"


def caller_address(call: Call) -> str:
    """The address that a call came from. Those that are not known (Unix sockets) are one."""
    return f"address {_network(call.origin.ip)}"


@lru_cache(maxsize=4096)
def _network(ip: str | None) -> str:
    """An IPv4 address, or the network of an IPv6 address that one customer gets, who has all addresses in it."""
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
    except ValueError:
        return ip or ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))

"""Where a connection comes from that a proxy has passed on: `X-Forwarded-For`, if the proxy is one to believe.

HTTP requests are looked at by uvicorn, in the same way and with the same setting.
"""

import ipaddress
from functools import lru_cache

__all__ = ["Proxies"]


class Proxies:
    """The addresses and networks of proxies that are believed, from text with commas between them ("off": none)."""

    def __init__(self, text: str) -> None:
        parts = [] if text == "off" else [part.strip() for part in text.split(",")]
        self._networks = [ipaddress.ip_network(part) for part in parts]
        self._trusts = lru_cache(maxsize=1024)(self._look)

    def client(self, address: str | None, forwarded: str | None) -> str | None:
        """The client behind a connection from `address`: the last one in the list that is no proxy of ours.

        Whoever is not believed may write what they like before that.
        """
        if forwarded is None or address is None or not self._trusts(address):
            return address
        for hop in reversed(forwarded.split(",")):
            address = _host(hop.strip()) or address
            if not self._trusts(address):
                break
        return address

    def _look(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _host(hop: str) -> str:
    """The address in `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1` or `[2001:db8::1]:5678`; "" for what is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return ""

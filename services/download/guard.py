"""Which network addresses may be fetched.

The check is made on the address that is dialled, in the moment of dialling: names that
resolve differently the second time, literal addresses and redirects all pass through here.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from services.download.settings import Network

Address = IPv4Address | IPv6Address
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

_NAT64 = ip_network("64:ff9b::/96")
# Only these hold public IPv6 addresses; what else is called global (NAT64's local prefix,
# addresses that contain an IPv4 address) leads elsewhere than it says.
_GLOBAL_UNICAST = ip_network("2000::/3")
# Not public, whatever `is_global` of the Python at hand says: versions differ.
_NOT_PUBLIC: tuple[Network, ...] = (
    ip_network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("168.63.129.16/32"),  # Azure's host, as seen from its machines
    ip_network("2001::/23"),  # protocol assignments, Teredo
    ip_network("2002::/16"),  # 6to4: a tunnel to the IPv4 address inside
    ip_network("3fff::/20"),  # documentation
)


class Blocked(OSError):
    """The address may not be fetched.

    An OSError with the same words for every address: then aiohttp tries the name's other
    addresses, and lets this one out when there is none.
    """

    def __init__(self, address: str) -> None:
        super().__init__("the address may not be fetched")
        self.address = address


@dataclass(frozen=True)
class Guard:
    """Opens sockets to public addresses, and to those in `allowed` networks."""

    allowed: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether `address` may be dialled."""
        inner = unwrap(address)
        return is_public(inner) or self._is_allowed((address, inner))

    def socket(self, info: AddressInfo) -> socket.socket:
        """A socket for the address `info`, as `getaddrinfo` gives it; for aiohttp's connector.

        Raises:
            Blocked: it may not be dialled.
        """
        family, kind, protocol, _, (host, *_) = info
        try:
            address = ip_address(host)
        except ValueError:
            raise Blocked(str(host)) from None
        if not self.permits(address):
            raise Blocked(str(address))
        return socket.socket(family, kind, protocol)

    def _is_allowed(self, addresses: Iterable[Address]) -> bool:
        return any(address in network for address in addresses for network in self.allowed)


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where packets really go there."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether `address` is one machine on the public internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast

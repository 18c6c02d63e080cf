"""Web addresses, read strictly: what two programs could read differently is refused.

An ASCII address is sent exactly as it was written, since it may be signed. A name or a path
with other letters is encoded as browsers do it.
"""

import re
import unicodedata
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from yarl import URL

from shared.errors import SourceForbidden

SCHEMES = ("http", "https")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
# Where the last label looks like one of these, resolvers take the name for an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def parse(text: str, ports: Iterable[range]) -> URL:
    """The address that `text` spells.

    Raises:
        SourceForbidden: it is not a plain http or https address on one of `ports`.
    """
    _check_characters(text)
    try:
        url = URL(text, encoded=text.isascii())
        port = url.port
    except ValueError as error:
        raise SourceForbidden(f"source: is not a valid web address: {error}") from None
    _check(url, port, ports)
    return url


def follow(url: URL, location: str, ports: Iterable[range]) -> URL:
    """Where a redirect from `url` leads; `location` may be relative.

    Raises:
        SourceForbidden: as `parse`.
    """
    location = location.strip().replace(" ", "%20")
    _check_characters(location)
    try:
        target = str(url.join(URL(location, encoded=location.isascii())))
    except ValueError:
        raise SourceForbidden("source: leads to something that is no web address") from None
    return parse(target, ports)


def _check_characters(text: str) -> None:
    for character in text:
        if character == "\\" or unicodedata.category(character)[0] in "CZ":
            raise SourceForbidden(
                f"source: the character {character!a} may not be in a web address; encode it"
            )


def _check(url: URL, port: int | None, ports: Iterable[range]) -> None:
    if url.scheme not in SCHEMES:
        raise SourceForbidden(f"source: leads to '{url.scheme}:', which may not be fetched")
    if "@" in url.raw_authority:
        raise SourceForbidden(
            "source: a user name or password may not be in the address, since it would be "
            "seen in messages and logs; use a signed address"
        )
    _check_host(url)
    if not any(port in allowed for allowed in ports):
        raise SourceForbidden(f"source: port {port} may not be fetched from (ALLOWED_PORTS)")


def _check_host(url: URL) -> None:
    host = url.raw_host or ""
    bracketed = "[" in url.raw_authority
    if not _is_address(host) and (bracketed or not _is_name(host)):
        raise SourceForbidden(f"source: '{host}' is neither a host name nor a plain IP address")


def _is_address(host: str) -> bool:
    try:
        if ":" in host:
            return IPv6Address(host).scope_id is None
        return str(IPv4Address(host)) == host
    except AddressValueError:
        return False


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    plain = all(_LABEL.fullmatch(label) for label in labels) and len(host) <= 254
    return plain and not _NUMBER.fullmatch(labels[-1])

"""Makes pamqp, which reads AMQP for aiormq, survive what strangers write into properties.

It raises at a time beyond the year 9999 (nanoseconds where seconds belong) and at text that is not
UTF-8, and the whole connection ends. The broker then delivers the message again, and so one
message would take down every service that gets it, and all that they work on.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from pamqp import decode, encode

Decoder = Callable[[bytes], tuple[int, Any]]
_CANNOT_DECODE = (ValueError, OverflowError, OSError)
_CANNOT_ENCODE = (TypeError, ValueError, OverflowError, struct.error)


def install() -> None:
    """Put tolerant decoders in the place of pamqp's. Calling it twice is fine."""
    decode.METHODS["timestamp"] = decode.TABLE_MAPPING[b"T"] = _timestamp
    decode.METHODS["shortstr"] = _short_text
    decode.METHODS["table"] = decode.TABLE_MAPPING[b"F"] = _table


def sendable(headers: Mapping[str, Any]) -> dict[str, Any]:
    """`headers` without values that can be read but not be written again."""
    return {name: value for name, value in headers.items() if _can_be_sent(value)}


def _can_be_sent(value: Any) -> bool:
    try:
        encode.encode_table_value(value)
    except _CANNOT_ENCODE:
        return False
    return True


def _timestamp(value: bytes) -> tuple[int, Any]:
    """A time that no calendar has is none."""
    try:
        return decode.timestamp(value)
    except _CANNOT_DECODE:
        return 8, None


def _short_text(value: bytes) -> tuple[int, str]:
    """Bytes that are no UTF-8 become question marks: the text stays as long as it was."""
    try:
        return decode.short_str(value)
    except _CANNOT_DECODE:
        end = 1 + value[0]
        return end, value[1:end].decode("ascii", "replace").replace("\ufffd", "?")


def _table(value: bytes) -> tuple[int, Any]:
    """A table with names that are no text is empty."""
    try:
        return decode.field_table(value)
    except _CANNOT_DECODE:
        return 4 + int.from_bytes(value[:4], "big"), {}

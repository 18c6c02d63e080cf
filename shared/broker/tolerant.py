"""Survives what strangers write into a message's properties.

pamqp, which reads tables of headers, raises at a time beyond the year 9999 (nanoseconds where
seconds belong) and at text that is not UTF-8, and the whole connection would end. The broker then
delivers the message again, and so one message would take down every service that gets it, and all
that they work on.
"""

import struct
from collections.abc import Mapping
from typing import Any

from pamqp import decode, encode

_CANNOT_DECODE = (ValueError, OverflowError, OSError)
_CANNOT_ENCODE = (TypeError, ValueError, OverflowError, struct.error)


def install() -> None:
    """Put tolerant decoders in the place of pamqp's, for what lies in headers.

    Calling it twice is fine.
    """
    decode.TABLE_MAPPING[b"T"] = _timestamp
    decode.TABLE_MAPPING[b"F"] = table


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


def readable(text: bytes) -> str:
    """`text`; bytes that are no UTF-8 become question marks, so that it stays as long."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("ascii", "replace").replace("\ufffd", "?")


def table(value: bytes) -> tuple[int, Any]:
    """Bytes used, and the table at the beginning of `value`.

    One with names that are no text is empty.
    """
    try:
        return decode.field_table(value)
    except _CANNOT_DECODE:
        return 4 + int.from_bytes(value[:4], "big"), {}

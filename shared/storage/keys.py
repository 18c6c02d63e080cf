"""Which keys a storage accepts: the same for every adapter, so results can move between them."""

from shared.errors import InvalidJob

PRIVATE = ".millrace"
"""The first segment that storages keep for themselves: temporary names, probes."""

_KEY_BYTES = 1024
_SEGMENT_BYTES = 255


def checked(key: str) -> str:
    """`key` itself, if it is a relative path of plain segments.

    Raises:
        InvalidJob: it is empty, absolute or too long, or one of its segments is empty,
            `.`, `..`, ours, too long, or has control characters.
    """
    if reason := _reason(key):
        raise InvalidJob(f"the key {key[:200]!r} {reason}")
    return key


def _reason(key: str) -> str | None:
    if not key:
        return "is empty"
    if key.startswith("/"):
        return "is absolute; keys are relative"
    if not key.isprintable():
        return "has characters that cannot be printed"
    if len(key.encode()) > _KEY_BYTES:
        return f"is longer than {_KEY_BYTES} bytes"
    segments = key.split("/")
    if segments[0].casefold() == PRIVATE:
        return f"begins with {PRIVATE}, which the storage keeps for itself"
    return next(filter(None, map(_fault, segments)), None)


def _fault(segment: str) -> str | None:
    if segment in ("", ".", ".."):
        return f"has the segment {segment!r}"
    if len(segment.encode()) > _SEGMENT_BYTES:
        return f"has a segment of more than {_SEGMENT_BYTES} bytes"
    return None

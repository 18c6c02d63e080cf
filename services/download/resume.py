"""Going on after a broken connection where it broke off, if the server can. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """Which state of the source the bytes received so far belong to.

    Attributes:
        validator: its strong ETag, or the date of its last change; None if it has neither,
            and then it cannot be told from another state, and not be gone on with.
        size: of the whole, in bytes, where the server says it.
    """

    validator: str | None = None
    size: int | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str], size: int | None) -> Self:
        """The version that a whole answer begins to deliver."""
        etag = headers.get("ETag", "")
        validator = etag if etag.startswith('"') else headers.get("Last-Modified", "")
        ranges = headers.get("Accept-Ranges", "bytes").strip().lower() != "none"
        usable = ranges and validator.isascii() and validator
        return cls(validator=validator if usable else None, size=size)

    def rest_after(self, received: int) -> dict[str, str]:
        """The headers that ask for what comes after `received` bytes of this very version."""
        whole = self.size is not None and received >= self.size
        if not received or self.validator is None or whole:
            return {}
        return {"Range": f"bytes={received}-", "If-Range": self.validator}

    def continued_by(self, headers: Mapping[str, str], received: int) -> Self | None:
        """This version as a partial answer tells of it, if that goes on after `received`."""
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if not match or int(match[1]) != received or int(match[2]) < received:
            return None
        size = self.size if match[3] == "*" else int(match[3])
        if self.size not in (None, size) or (size is not None and int(match[2]) >= size):
            return None
        return replace(self, size=size)

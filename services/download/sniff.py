"""What kind of media a file is, told by its bytes: never by its name or a header."""

import os
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from services.download import containers, strangers
from services.download.formats import MAGIC, Media
from services.download.raw import RAW, is_raw
from services.download.source import shown
from shared.errors import CorruptMedia, Reject, UnsupportedMedia

HEAD_BYTES = 8192


def sniff(path: Path, called: str) -> Media:
    """The kind of the file at `path`.

    Args:
        called: the source's address, by whose last part the file is named in errors.

    Raises:
        CorruptMedia: the file is empty.
        UnsupportedMedia: it is neither a photo nor a film that can be processed.
    """
    with path.open("rb") as file:
        media = media_of(file)
        if media is None:
            raise _refusal(file, _name(called))
    return media


def media_of(file: BinaryIO) -> Media | None:
    """The kind of `file`, which was just opened; None if it is none of ours."""
    head = file.read(HEAD_BYTES)
    return None if is_raw(file) else recognise(head, os.fstat(file.fileno()).st_size)


def _refusal(file: BinaryIO, name: str) -> Reject:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head:
        return CorruptMedia(f"source: {name} is empty")
    what = RAW if is_raw(file) else strangers.describe(head)
    return UnsupportedMedia(
        f"source: {name} is {what}, not a photo, film or sound that can be processed"
    )


def recognise(head: bytes, size: int) -> Media | None:
    """The kind that a file of `size` bytes shows by its `head`; None if it is none of ours."""
    for magic, media in MAGIC:
        if head.startswith(magic):
            return media
    found = (container(head, size) for container in containers.ALL)
    return next((media for media in found if media), None)


def _name(address: str) -> str:
    path = address.partition("?")[0].partition("#")[0]
    last = unquote(path.rstrip("/").rpartition("/")[2])
    return shown(last) or "the file"

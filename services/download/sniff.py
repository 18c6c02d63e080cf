"""What kind of media a file is, told by its bytes: never by its name or a header."""

from pathlib import Path
from urllib.parse import unquote

from services.download import containers, strangers
from services.download.formats import MAGIC, Media
from services.download.source import shown
from shared.errors import CorruptMedia, UnsupportedMedia

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
        head = file.read(HEAD_BYTES)
    if not head:
        raise CorruptMedia(f"source: {_name(called)} is empty")
    media = recognise(head, path.stat().st_size)
    if media is None:
        raise UnsupportedMedia(
            f"source: {_name(called)} is {strangers.describe(head)}, "
            "not a photo, film or sound that can be processed"
        )
    return media


def recognise(head: bytes, size: int) -> Media | None:
    """The kind of a file of `size` bytes that begins with `head`; None if it is none of ours."""
    for magic, media in MAGIC:
        if head.startswith(magic):
            return media
    found = (container(head, size) for container in containers.ALL)
    return next((media for media in found if media), None)


def _name(address: str) -> str:
    path = address.partition("?")[0].partition("#")[0]
    last = unquote(path.rstrip("/").rpartition("/")[2])
    return shown(last) or "the file"

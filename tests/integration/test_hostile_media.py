"""Files made to harm, through download's look and the real engines: refused, and all is well after.

Each is fetched and looked at as in production. What is refused there is given to the decoders
all the same, as both kinds of media, so that neither wall leans on the other.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shared.errors import Reject, SourceTooLarge, TimeLimit
from tests import bombs
from tests.conftest import ROOT
from tests.integration.laboratory import WAYS, Outcome, Outcomes, Way, observe
from tests.sound_bombs import SOUNDS

HOSTILE = ROOT.parent / "shared" / "corpus" / "hostile"
GIB = 2**30

pytestmark = pytest.mark.timeout(600)  # a fixture works through a whole table

# What is hostile in them lies where nobody has to look.
HARMLESS = {
    "png, a colour profile of 1 GiB",
    "png, a comment of 1 GiB",
    "png, a translated comment of 1 GiB",
    "png, a million chunks",
    "tiff, a strip of 1 GiB",
    "avi, 65535 a side declared",
    "avi, 10^6 pictures in a thousand seconds",  # that of the one which is there
    "quicktime, 2^32-1 chunks",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def check(outcome: Outcome, most_memory_bytes: int) -> None:
    """That it ended as it must."""
    assert outcome.alive, outcome.error
    assert outcome.peak_memory_bytes < most_memory_bytes
    if outcome.error is not None:
        assert isinstance(outcome.error, Reject), outcome.error
        assert re.fullmatch(r"[^\n\0]{5,400}", str(outcome.error))
        assert "/hostile" not in str(outcome.error)


# Bombs


BOMBS = {**bombs.PICTURES, **bombs.ARCHIVES, **bombs.FILMS}


@pytest.fixture(scope="module")
def exploded(folder: Path) -> Outcomes:
    return observe(folder, {name: make() for name, make in BOMBS.items()})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(exploded: Outcomes, name: str, way: Way) -> None:
    outcome = exploded[name, way]
    check(outcome, GIB)
    if name not in HARMLESS and (name, way) != ("avif, 65536 × 65536 declared", "video"):
        assert isinstance(outcome.error, Reject)


@pytest.fixture(scope="module")
def heard(folder: Path) -> Outcomes:
    return observe(folder, {name: make() for name, make in SOUNDS.items()})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SOUNDS)
def test_a_bomb_of_sound_is_refused_or_read(heard: Outcomes, name: str, way: Way) -> None:
    check(heard[name, way], GIB // 2)
    assert heard[name, "pipeline"].reached == "video"


def corpus() -> list[Path]:
    return sorted(HOSTILE.iterdir()) if HOSTILE.is_dir() else []


@pytest.fixture(scope="module")
def examined(folder: Path) -> Outcomes:
    return observe(folder, {file.name: file.read_bytes() for file in corpus()})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [file.name for file in corpus()])
def test_a_file_that_broke_others_is_refused_or_read(
    examined: Outcomes, name: str, way: Way
) -> None:
    check(examined[name, way], GIB // 2)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def unreached(server: socket.socket) -> bool:
    with suppress(BlockingIOError):
        server.accept()
        return False
    return True


@pytest.fixture(scope="module")
def followed(folder: Path) -> Outcomes:
    with listening() as server:
        port = server.getsockname()[1]
        targets = {
            "a file": b"file:///etc/passwd",
            "a path": b"/etc/passwd",
            "an address": b"http://127.0.0.1:%d/" % port,
            "a stream": b"tcp://127.0.0.1:%d" % port,
        }
        outcomes = observe(
            folder,
            {
                f"{form} to {where}": content
                for where, target in targets.items()
                for form, content in bombs.playlists(target).items()
            },
        )
        assert unreached(server)
    return outcomes


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["a file", "a path", "an address", "a stream"])
@pytest.mark.parametrize("form", bombs.playlists(b"x"))
def test_no_playlist_is_followed(followed: Outcomes, form: str, where: str, way: Way) -> None:
    outcome = followed[f"{form} to {where}", way]
    check(outcome, GIB // 2)
    assert "root:" not in str(outcome.error)
    if form not in ("avi with a playlist for subtitles", "quicktime whose pictures are elsewhere"):
        assert isinstance(outcome.error, Reject)


# Limits


def test_pictures_that_a_film_does_not_tell_of_are_counted(folder: Path) -> None:
    film = bombs.avi(said=10, frames=bombs.pictures(3000))
    outcomes = observe(folder, {"film": film}, ["pipeline"], max_video_frames=1000)
    outcome = outcomes["film", "pipeline"]
    assert isinstance(outcome.error, SourceTooLarge)
    assert str(outcome.error) == "The film has more than 1000 pictures."


def test_memory_ends_where_it_was_said_to(folder: Path) -> None:
    """A hundred million pixels, that are allowed, in less memory than they need."""
    giants = {
        "webp": bombs.webp(9999, 9999),
        "jpeg": bombs.saved("JPEG", 9999, 9999, progressive=True),
    }
    outcomes = observe(folder, giants, ["pipeline"], process_memory_bytes=2**28)
    for name in giants:
        outcome = outcomes[name, "pipeline"]
        check(outcome, 2**28)
        assert "more memory than is allowed" in str(outcome.error)


def test_time_ends_where_it_was_said_to(folder: Path) -> None:
    slow = bombs.png(9999, 9999, depth=16, colour=6)
    outcomes = observe(folder, {"png": slow}, ["pipeline"], process_call_seconds=0.2)
    outcome = outcomes["png", "pipeline"]
    assert isinstance(outcome.error, TimeLimit)
    assert not outcome.alive


def test_drawings_load_nothing_and_end(folder: Path) -> None:
    """SVG is not opened by default; where it is, it holds what is in it and no more."""
    with listening() as server:
        address = b"http://127.0.0.1:%d/x.png" % server.getsockname()[1]
        drawings = {
            "from an address": bombs.svg(b'<image x:href="%s"/>' % address),
            "styled from an address": bombs.svg(b"<style>@import url(%s);</style>" % address),
            **{name: make() for name, make in bombs.PICTURES.items() if name.startswith("svg")},
        }
        outcomes = observe(folder, drawings, ["image"], process_svg=True)
        assert unreached(server)
    for name in drawings:
        check(outcomes[name, "image"], GIB)

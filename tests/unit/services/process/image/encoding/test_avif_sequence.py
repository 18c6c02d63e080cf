"""Animated AVIF: the same bytes whenever it is made, and as many plays as it had."""

import io
import itertools
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from services.process.image.encoding.avif_sequence import plays_of, settled
from services.process.image.engine import Limits, Target
from services.process.image.select import render

FOR_EVER = 2**64 - 1


def frames() -> list[Image.Image]:
    return [Image.new("RGBA", (32, 16), (90 * n, 80, 10, 255 - 40 * n)) for n in range(3)]


def sequence() -> bytes:
    first, *others = frames()
    file = io.BytesIO()
    first.save(file, "AVIF", save_all=True, append_images=others, duration=[100, 50, 70])
    return file.getvalue()


def test_boxes_that_claim_what_lies_behind_them_cost_no_time() -> None:
    """Each was once read as often as there are subsets of those before it."""
    data = sequence()
    for place in range(40):
        left = 16 * (40 - place)
        data += struct.pack(">I4sI4s", 16, b"edts", left - 8, b"edts")
    assert plays_of(data) == 0


def test_boxes_in_boxes_are_followed_as_deep_as_they_can_be() -> None:
    deep = b""
    for _ in range(3000):
        deep = struct.pack(">I4s", len(deep) + 8, b"edts") + deep
    assert plays_of(sequence() + deep) == 0


def fields(data: bytes) -> dict[str, list[tuple[int, ...]]]:
    """Of each box of version 1, by its name, where it stands: times, then the duration."""
    layouts = {"mvhd": ">QQ4xQ", "tkhd": ">QQ8xQ", "mdhd": ">QQ4xQ", "elst": ">4xQ"}
    found: dict[str, list[tuple[int, ...]]] = {name: [] for name in layouts}
    for name, layout in layouts.items():
        at = -1
        while (at := data.find(name.encode(), at + 1)) >= 0:
            assert data[at + 4] == 1
            flags = int.from_bytes(data[at + 5 : at + 8], "big")
            found[name].append((flags, *struct.unpack_from(layout, data, at + 8)))
    return found


def test_it_was_made_at_no_time() -> None:
    before, after = fields(sequence()), fields(settled(sequence(), 0))
    assert before["mvhd"][0][1] > 0
    assert [len(after[name]) for name in ("mvhd", "tkhd", "mdhd")] == [1, 2, 2]
    for _, made, changed, _ in itertools.chain(after["mvhd"], after["tkhd"], after["mdhd"]):
        assert (made, changed) == (0, 0)


@pytest.mark.parametrize(
    ("plays", "repeats", "duration"), [(0, 1, FOR_EVER), (1, 0, 220), (2, 1, 440), (7, 1, 1540)]
)
def test_it_says_how_often_it_plays(plays: int, repeats: int, duration: int) -> None:
    """As libavif 1.4 reads it: ⌈track ÷ edit⌉ plays where the edit list repeats, else one."""
    found = fields(settled(sequence(), plays))
    assert {whole[-1] for whole in (*found["mvhd"], *found["tkhd"])} == {duration}
    assert found["elst"] == [(repeats, 220)] * 2
    assert {media[-1] for media in found["mdhd"]} == {220}


def test_nothing_else_is_changed() -> None:
    data = settled(sequence(), 3)
    assert len(data) == len(sequence())
    with Image.open(io.BytesIO(data)) as made, Image.open(io.BytesIO(sequence())) as other:
        for number in range(3):
            made.seek(number)
            other.seek(number)
            assert made.tobytes() == other.tobytes()
            assert made.info["duration"] == other.info["duration"] == (100, 50, 70)[number]


def box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def test_older_boxes_have_shorter_fields() -> None:
    def head(moment: int, whole: int) -> bytes:
        movie = box(b"mvhd", struct.pack(">5I", 0, moment, moment, 1000, whole), b"rest")
        track = box(b"tkhd", struct.pack(">6I", 1, moment, moment, 1, 0, whole), b"rest")
        edits = box(b"edts", box(b"elst", struct.pack(">5I", 1, 1, 220, 0, 0x10000)))
        media = box(b"mdia", box(b"mdhd", struct.pack(">5I", 0, moment, moment, 1000, 220)))
        return box(b"ftyp", b"avis") + box(b"moov", movie, box(b"trak", track, edits, media))

    assert settled(head(moment=77, whole=2**32 - 1), 3) == head(moment=0, whole=660)
    assert settled(head(moment=77, whole=220), 2**31) == head(moment=0, whole=2**32 - 1)


def test_the_same_source_gives_the_same_bytes_later(tmp_path: Path) -> None:
    first, *others = frames()
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, lossless=True, loop=3)
    made = []
    for name in ("now", "later"):
        target = Target(name, "avif", animated=True)
        render("auto", Limits(pixels=10**6), tmp_path / "a.webp", [target], tmp_path)
        made.append((tmp_path / f"{name}.avif").read_bytes())
        time.sleep(1.1)  # the encoder's clock counts seconds
    assert made[0] == made[1]
    assert {whole[-1] for whole in fields(made[0])["tkhd"]} == {900}

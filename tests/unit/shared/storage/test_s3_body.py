import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.storage.s3_body import Body, Part, md5, parts, sha256

MIB = 1 << 20
CONTENT = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@given(st.integers(0, 5 << 40), st.integers(5 * MIB, 5 << 30))
def test_parts_cover_the_file_in_equal_steps(size: int, part_bytes: int) -> None:
    found = parts(size, part_bytes)
    assert [part.number for part in found] == list(range(1, len(found) + 1))
    assert len(found) <= 10_000
    assert sum(part.size for part in found) == size
    steps = {part.size for part in found[:-1]}
    assert len(steps) <= 1
    assert all(part.offset == index * found[0].size for index, part in enumerate(found))


def test_parts_grow_where_there_would_be_too_many() -> None:
    assert len(parts(10_000 * 5 * MIB, 5 * MIB)) == 10_000
    assert len(parts(10_000 * 5 * MIB + 1, 5 * MIB)) == 5_001


def test_a_body_is_one_part_of_the_file(file: int) -> None:
    body = Body(file, Part(2, 1000, MIB))
    assert b"".join(iter(lambda: body.read(100_000), b"")) == CONTENT[1000 : 1000 + MIB]


def test_a_body_can_be_sent_again(file: int) -> None:
    body = Body(file, Part(1, 10, 20))
    assert body.seek(0, os.SEEK_END) == 20
    assert body.read() == b""
    assert body.seek(0) == 0
    assert body.read() == CONTENT[10:30]
    assert body.seek(-1, os.SEEK_CUR) == body.tell() == 19


def test_a_body_never_reads_much_at_once(file: int) -> None:
    assert len(Body(file, Part(1, 0, 2 * MIB)).read()) == 1 << 18


def test_digests_of_a_part(file: int) -> None:
    part, there = Part(1, 5, MIB + 7), CONTENT[5 : MIB + 12]
    stop = threading.Event()
    assert sha256(file, part, stop) == hashlib.sha256(there).hexdigest()
    assert base64.b64decode(md5(file, part, stop)) == hashlib.md5(there).digest()
    stop.set()
    with pytest.raises(InterruptedError):
        sha256(file, part, stop)

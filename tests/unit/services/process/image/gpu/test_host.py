"""The GPU's process believes nothing that a child says."""

import socket
import struct
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.process.image.gpu.wire import Answer, Blur, Failed, answer, question, send
from tests.unit.services.process.image.conftest import new_line

GOOD = Blur(width=2, height=2, channels=1, sigma=0.5)
TEXT = GOOD.model_dump_json()


def gives_an_answer(line: socket.socket) -> bool:
    send(line, GOOD, bytes(4))
    said, pixels = answer(line)
    return isinstance(said, Answer) and bytes(pixels) == bytes(4)


def said(line: socket.socket, head: str | bytes) -> bytes:
    """What comes back when a child says this, and no more."""
    data = head.encode() if isinstance(head, str) else head
    line.sendall(struct.pack("!I", len(data)) + data)
    line.settimeout(20)
    with suppress(OSError):
        line.shutdown(socket.SHUT_WR)
        return line.recv(100)
    return b""


@pytest.mark.parametrize(
    "head",
    [
        "",
        "null",
        "a" * 5000,
        TEXT.replace('"width":2', '"width":65535').replace('"height":2', '"height":65535'),
        TEXT.replace('"width":2', '"width":0'),
        TEXT.replace('"channels":1', '"channels":9'),
        TEXT.replace('"sigma":0.5', '"sigma":1e999'),
        TEXT.replace('"sigma":0.5', '"sigma":"NaN"'),
        TEXT.replace('"blur"', '"resize"'),
        TEXT.replace("}", ',"more":1}'),
        TEXT,
    ],
)
def test_nonsense_ends_its_own_line_alone(lines: socket.socket, head: str) -> None:
    with new_line(lines) as bad, new_line(lines) as good:
        assert said(bad, head) == b""
        assert gives_an_answer(good)


def test_more_bytes_than_are_allowed_are_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, GOOD)
        with pytest.raises(ValueError, match="a picture of 4 bytes is too large"):
            question(theirs, most_bytes=3)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_harm_another_line(lines: socket.socket, line: socket.socket, head: bytes) -> None:
    with new_line(lines) as bad:
        said(bad, head)
    assert gives_an_answer(line)


@pytest.mark.parametrize("box", [(5.0, 0, 4, 4), (0, 0, 5, 4), (0, 0, 4, 0)])
def test_a_box_outside_is_not_looked_for(
    lines: socket.socket, box: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = box
    head = (
        '{"ask":"resize","width":4,"height":4,"channels":1,"alpha":false,"columns":2,"rows":2,'
        f'"left":{left},"top":{top},"right":{right},"bottom":{bottom}}}'
    )
    with new_line(lines) as line:
        assert said(line, head) == b""


def test_a_blur_beyond_all_bounds_is_still_answered(line: socket.socket) -> None:
    send(line, GOOD.model_copy(update={"sigma": 1000.0}), bytes([0, 255, 255, 0]))
    told, _ = answer(line)
    assert isinstance(told, Answer | Failed)

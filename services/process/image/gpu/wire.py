"""What children and the GPU's process say to each other, over a socket that both were given.

A message is the length of a head, the head as JSON, and the bytes that the head announces. The
GPU's process believes nothing that a child says: a stranger's file may have taken it over.
"""

import socket
import struct
from abc import ABC, abstractmethod
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

_LENGTH = struct.Struct("!I")
_MOST_HEAD_BYTES = 4096

H = TypeVar("H")

Side = Annotated[int, Field(ge=1, le=65535)]
Finite = Annotated[float, Field(ge=0, le=65535, allow_inf_nan=False)]


class _Head(BaseModel, ABC):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @property
    @abstractmethod
    def follows(self) -> int:
        """How many bytes come behind the head."""


class Picture(_Head):
    """Pixels that follow the head.

    Attributes:
        alpha: whether the last channel is transparency.
    """

    width: Side
    height: Side
    channels: Annotated[int, Field(ge=1, le=4)]
    alpha: bool = False

    @property
    def follows(self) -> int:
        """See `_Head`."""
        return self.width * self.height * self.channels


class Resize(Picture):
    """Asks for the picture, or the box of it, at another size."""

    ask: Literal["resize"] = "resize"
    columns: Side
    rows: Side
    left: Finite
    top: Finite
    right: Finite
    bottom: Finite

    @model_validator(mode="after")
    def _is_inside(self) -> Self:
        if not (self.left < self.right <= self.width and self.top < self.bottom <= self.height):
            raise ValueError("the box does not lie in the picture")
        return self


class Blur(Picture):
    """Asks for the picture, blurred by this standard deviation in pixels."""

    ask: Literal["blur"] = "blur"
    sigma: Annotated[float, Field(gt=0, le=1000)]


class Decode(_Head):
    """Asks for the pixels of a JPEG file, which follows."""

    ask: Literal["decode"] = "decode"
    size: Annotated[int, Field(ge=1)]

    @property
    def follows(self) -> int:
        """See `_Head`."""
        return self.size


Question = Resize | Blur | Decode


class Answer(Picture):
    """The picture that came of it.

    Attributes:
        by: who made it, with version (`cuda 12.9`).
        begins: whether it is the first of those that were made together.
    """

    by: str
    begins: bool


class Failed(_Head):
    """Why there is no picture.

    Attributes:
        of_device: whether this is the device's fault, and not in what it was asked.
    """

    fault: str
    of_device: bool

    @property
    def follows(self) -> int:
        """See `_Head`."""
        return 0


_QUESTION: TypeAdapter[Question] = TypeAdapter(Annotated[Question, Field(discriminator="ask")])
_ANSWER: TypeAdapter[Answer | Failed] = TypeAdapter(Answer | Failed)


def send(link: socket.socket, head: _Head, data: bytes | memoryview = b"") -> None:
    """One message."""
    text = head.model_dump_json().encode()
    link.sendall(_LENGTH.pack(len(text)) + text)
    link.sendall(data)


def question(link: socket.socket, most_bytes: int) -> tuple[Question, bytearray]:
    """The next question with its bytes.

    Raises:
        EOFError: nobody will ask any more.
        ValueError: it is none, or of more than `most_bytes`.
    """
    head = _head(link, _QUESTION)
    if head.follows > most_bytes:
        raise ValueError(f"a picture of {head.follows} bytes is too large")
    return head, _exactly(link, head.follows)


def answer(link: socket.socket) -> tuple[Answer | Failed, bytearray]:
    """What came of the question.

    Raises:
        EOFError: nobody answers any more.
        ValueError: it is no answer.
    """
    head = _head(link, _ANSWER)
    return head, _exactly(link, head.follows)


def _head(link: socket.socket, heads: TypeAdapter[H]) -> H:
    (length,) = _LENGTH.unpack(_exactly(link, _LENGTH.size))
    if length > _MOST_HEAD_BYTES:
        raise ValueError(f"a head of {length} bytes is too long")
    try:
        return heads.validate_json(_exactly(link, length))
    except ValidationError:
        raise ValueError("what came is no message") from None


def _exactly(link: socket.socket, size: int) -> bytearray:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = link.recv_into(view, 0, socket.MSG_WAITALL)
        if not count:
            raise EOFError("the other end of the line is gone")
        view = view[count:]
    return received

"""What several children ask at about the same time is done by the device in one go."""

import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.process.image.gpu.arithmetic import ALPHA
from services.process.image.gpu.decode import Decoder
from services.process.image.gpu.device import Declined, Device
from services.process.image.gpu.kernels import Frame, blurred, resized
from services.process.image.gpu.wire import Answer, Blur, Decode, Question, Resize

GATHER_SECONDS = 0.002  # how long the first one waits for others
MOST = 16
MOST_BYTES = 2**29  # pixels come in that take more room than this: no more are waited for

Done = tuple[Answer, bytes]


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with its bytes, and the place for what comes of it."""

    question: Question
    data: bytes | bytearray
    done: "Future[Done]" = field(default_factory=Future)


class Batches:
    """The only user of a device.

    All of a batch is started before any of it is waited for, and its files are decoded by one
    call. Whatever the device raises is the outcome of the question that met it, and of no other.

    Args:
        decoder: None where nothing is decoded on the GPU.
        most: questions of one batch.
    """

    def __init__(self, device: Device, decoder: Decoder | None = None, most: int = MOST) -> None:
        self._device = device
        self._most = most
        self._decoder = decoder
        self._waiting: queue.SimpleQueue[Asked] = queue.SimpleQueue()

    def ask(self, question: Question, data: bytes | bytearray) -> "Future[Done]":
        """What will come of it, once `run` gets there."""
        asked = Asked(question, data)
        self._waiting.put(asked)
        return asked.done

    def run(self) -> None:
        """Do what is asked, for ever."""
        while True:
            self._do(self._gathered())

    def _gathered(self) -> list[Asked]:
        batch = [self._waiting.get()]
        last = time.monotonic() + GATHER_SECONDS
        while len(batch) < self._most and sum(len(asked.data) for asked in batch) < MOST_BYTES:
            try:
                batch.append(self._waiting.get(timeout=max(0.0, last - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _do(self, batch: Sequence[Asked]) -> None:
        frames = dict[Asked, Frame]()
        for asked in batch:
            with _faults_of(asked):
                if not isinstance(asked.question, Decode):
                    frames[asked] = self._begun(asked.question, asked.data)
        self._decode([asked for asked in batch if isinstance(asked.question, Decode)], batch[0])
        for asked, frame in frames.items():
            with _faults_of(asked):
                pixels = self._device.get(frame.memory)
                shape = (frame.height, frame.width, frame.channels)
                done = _done(pixels.reshape(shape), self._device.name, asked is batch[0])
                asked.done.set_result(done)

    def _begun(self, question: Resize | Blur, data: bytes | bytearray) -> Frame:
        frame = Frame(
            self._device,
            self._device.put(np.frombuffer(data, np.uint8)),
            question.width,
            question.height,
            question.channels,
            question.alpha and question.channels in ALPHA,
        )
        if isinstance(question, Blur):
            return blurred(frame, question.sigma)
        box = (question.left, question.top, question.right, question.bottom)
        return resized(frame, (question.columns, question.rows), box=box)

    def _decode(self, files: Sequence[Asked], first: Asked) -> None:
        with _faults_of(*files):
            if files and self._decoder is None:
                raise Declined("nothing is decoded on the GPU here")
            if files and self._decoder:
                decoded = self._decoder.decode([bytes(asked.data) for asked in files])
                for asked, pixels in zip(files, decoded, strict=True):
                    with _faults_of(asked):
                        if pixels is None:
                            raise Declined("the GPU cannot decode the file")
                        asked.done.set_result(_done(pixels, self._decoder.name, asked is first))


@contextmanager
def _faults_of(*several: Asked) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for asked in several:
            asked.done.set_exception(error)


def _done(pixels: NDArray[np.uint8], by: str, begins: bool) -> Done:
    height, width, channels = pixels.shape
    answer = Answer(width=width, height=height, channels=channels, by=by, begins=begins)
    return answer, pixels.tobytes()

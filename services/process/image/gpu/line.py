"""A child's line to the process that owns the GPU."""

import socket
from dataclasses import dataclass

from services.process.image.gpu.wire import Answer, Failed, Question, answer, send

ANSWER_SECONDS = 10.0  # then the device hangs


@dataclass
class Use:
    """What became of the GPU's part in one picture.

    Attributes:
        by: who made it, with version; None if the GPU was not needed.
        decoded_by: who decoded it, where the GPU did.
        frames: how many times pixels were made by the GPU.
        batches: how many batches were begun with these.
        fault: what went wrong; the processor did the rest then.
    """

    by: str | None = None
    decoded_by: str | None = None
    frames: int = 0
    batches: int = 0
    fault: str | None = None


class Line:
    """Asks one question at a time.

    Attributes:
        use: of the picture that is being made.
    """

    def __init__(self) -> None:
        self.use = Use()
        self._link: socket.socket | None = None
        self._lost = "there was no GPU when this child started"

    def connect(self, link: socket.socket) -> None:
        """Have `link` lead to the GPU's process."""
        self.close()
        link.settimeout(ANSWER_SECONDS)
        self._link = link

    def close(self) -> None:
        """Lead nowhere any more."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def ask(self, question: Question, data: bytes) -> tuple[Answer, bytes] | None:
        """What the GPU makes of it; None if it cannot, or could not before in this picture."""
        if self.use.fault is not None:
            return None
        if self._link is None:
            self.use.fault = self._lost
            return None
        try:
            send(self._link, question, data)
            said, pixels = answer(self._link)
        except (OSError, EOFError, ValueError) as error:  # what comes later is out of step
            self.close()
            self.use.fault = self._lost = f"no answer: {str(error) or type(error).__name__}"
            return None
        return self._told(said, bytes(pixels))

    def _told(self, said: Answer | Failed, pixels: bytes) -> tuple[Answer, bytes] | None:
        if isinstance(said, Failed):
            self.use.fault = said.fault if said.of_device else self.use.fault
            return None
        self.use.frames += 1
        self.use.batches += said.begins
        return said, pixels

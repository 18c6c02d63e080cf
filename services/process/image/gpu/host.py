"""The inside of the process that owns the GPU: it serves the children that make pictures.

The device is used by one thread. Each child has a line of its own and a thread here that reads
it, so that one child that says nonsense, or nothing, harms no other.
"""

import resource
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from services.process.image.gpu.batches import MOST, Batches
from services.process.image.gpu.decode import Decoder
from services.process.image.gpu.device import Declined, Device
from services.process.image.gpu.kernels import MOST_BYTES
from services.process.image.gpu.proof import prove
from services.process.image.gpu.wire import Failed, question, send

_FAULT_CHARACTERS = 500


class Host:
    """Lines to children, and the batches that their questions go into."""

    running: ClassVar["Host | None"] = None

    def __init__(
        self, device: Device, decoder: Decoder | None, most_bytes: int, most: int = MOST
    ) -> None:
        self.device = device
        self._batches = Batches(device, decoder, most)
        self._most_bytes = most_bytes

    def start(self, lines: socket.socket) -> None:
        """Serve whoever's line comes over `lines`, in threads that end with the process."""
        for target, arguments in ((self._batches.run, ()), (self._admit, (lines,))):
            threading.Thread(target=target, args=arguments, daemon=True).start()

    def _admit(self, lines: socket.socket) -> None:
        with lines:
            while descriptors := socket.recv_fds(lines, 1, 1)[1]:
                line = socket.socket(fileno=descriptors[0])
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        """Answer one child until it is gone, or says what cannot be understood."""
        with line, suppress(OSError, EOFError, ValueError):
            while True:
                asked, data = question(line, self._most_bytes)
                try:
                    answer, pixels = self._batches.ask(asked, data).result()
                except Exception as error:
                    send(line, _failed(error))
                else:
                    send(line, answer, pixels)


def _failed(error: Exception) -> Failed:
    what = str(error) if isinstance(error, Declined) else f"{type(error).__name__}: {error}"
    return Failed(fault=what[:_FAULT_CHARACTERS], of_device=not isinstance(error, Declined))


def opened(
    device: Callable[[], Device],
    decoder: Callable[[], Decoder] | None,
    most_bytes: int,
    most: int,
    lines: int,
) -> None:
    """Own the device, and serve whoever's line comes over the socket of that descriptor.

    Args:
        most_bytes: of one picture.
        most: questions of one batch.

    Raises:
        EngineUnavailable: there is no such device, or it cannot decode.
    """
    most_bytes = min(most_bytes, MOST_BYTES)
    Host.running = Host(device(), decoder() if decoder else None, most_bytes, most)
    Host.running.start(socket.socket(fileno=lines))


def proven() -> str:
    """The name of the device, which gives the right pixels. From then on it may work for ever.

    Raises:
        EngineUnavailable: it does not.
    """
    assert Host.running is not None, "opened() comes first"
    device = Host.running.device
    prove(device)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))  # a call's bound is not this process's
    return device.name

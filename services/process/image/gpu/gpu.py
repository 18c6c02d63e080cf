"""The GPU, as the process service sees it: a process that lives, is proven, fails and rests.

One process owns the device, and pictures are made in children as ever: each has a line to it and
sends its pixels there to be resized and blurred. So no context is inherited by a fork, children
stay confined, and what several of them ask at about the same time is one batch.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

import structlog

from services.process.child import Bounds
from services.process.children import Child
from services.process.image.engine import Limits
from services.process.image.gpu.batches import MOST
from services.process.image.gpu.breaker import FAILURES, Breaker
from services.process.image.gpu.decode import Decoder, NvImageCodec
from services.process.image.gpu.device import Device
from services.process.image.gpu.host import opened, proven
from services.process.image.gpu.line import Use
from services.process.image.gpu.nvidia import Nvidia
from services.process.image.gpu.tally import Tally
from shared.errors import MillraceError

log = structlog.get_logger()

REST_SECONDS = 60.0
PROOF_SECONDS = 60.0
_MOST_CHANNELS = 4
_BOUNDS = Bounds(  # CUDA reserves addresses for all memory that there is, and opens many files
    memory_bytes=sys.maxsize, file_bytes=2**30, open_files=4096, niceness=0
)


class Gpu:
    """Where pictures can be resized, unless it rests.

    When it has failed several times, its process has died, or it gives other pixels than Pillow,
    the process is ended and the GPU left alone for `REST_SECONDS`. Then a new process has to prove
    itself, so that no picture is risked to find out.

    Attributes:
        name: of the device, with version, as it was last proven.
        fault: why it is left alone; None while it is at work.
        generation: counts the processes; a child has its line to one of them.
        tally: what is counted.
    """

    def __init__(self, owner: Callable[[int], None]) -> None:
        """`owner` makes a process the device's owner: see `host.opened`."""
        self.name = "cuda"
        self.fault: str | None = "it has not proven itself yet"
        self.generation = 0
        self.tally = Tally()
        self._owner = owner
        self._child: Child | None = None
        self._lines: socket.socket | None = None
        self._breaker = Breaker()
        self._enough: asyncio.Future[str] = asyncio.Future()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        limits: Limits,
        device: Callable[[], Device] = Nvidia,
        decoder: Callable[[], Decoder] = NvImageCodec,
        most: int = MOST,
    ) -> AsyncIterator[Self]:
        """The GPU, whose process is dead at the end. A device that fails its test rests.

        Args:
            most: questions of children that are done in one go.

        Raises:
            EngineUnavailable: there is no such device here, or its libraries are missing.
        """
        decodes = decoder if limits.gpu_decode else None
        gpu = cls(partial(opened, device, decodes, limits.pixels * _MOST_CHANNELS, most))
        keeper: asyncio.Task[None] | None = None
        try:
            await gpu._launch()
            await gpu._prove()
            keeper = asyncio.create_task(gpu._keep())
            yield gpu
        finally:
            if keeper is not None:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
            await gpu._end()

    @property
    def resting(self) -> bool:
        """Whether it is left alone."""
        return self.fault is not None

    def line(self) -> socket.socket | None:
        """A new child's end of a line to the device's process; None where there is none."""
        if self._lines is None:
            return None
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._lines, [b"\0"], [theirs.fileno()])
            except OSError:  # it has just died
                ours.close()
                return None
        return ours

    def told(self, use: Use) -> None:
        """Count what became of the GPU's part in a picture."""
        self.tally.used(use)
        if use.fault is None:
            return
        log.warning("the GPU failed, the processor went on", reason=use.fault)
        now = asyncio.get_running_loop().time()
        if self._breaker.failed(now) and not self._enough.done():
            self._enough.set_result(f"it failed {FAILURES} times; the last: {use.fault}")

    async def _keep(self) -> None:
        """Let it work until something is wrong, rest, and begin again."""
        while True:
            if self.fault is None:
                self.fault = await self._trouble()
            log.warning("the GPU is left alone", reason=self.fault, seconds=REST_SECONDS)
            self.tally.resting(begins=True)
            await self._end()
            await asyncio.sleep(REST_SECONDS)
            await self._begin()

    async def _launch(self) -> None:
        """Start a process that owns the device."""
        self._lines, theirs = socket.socketpair()
        with theirs:
            self._child = await Child.start(_BOUNDS, self._owner, theirs)

    async def _prove(self) -> None:
        """Test the device. If it is right, it is at work from now on."""
        assert self._child is not None, "_launch() comes first"
        try:
            answer = await self._child.call(proven, (), PROOF_SECONDS)
            if answer.error is not None:
                raise answer.error
        except MillraceError as error:
            self.fault = str(error)
            return
        self.name, self.fault = answer.result, None
        self.generation += 1
        self._breaker, self._enough = Breaker(), asyncio.Future()
        self.tally.resting(begins=False)
        log.info("the GPU is at work", device=self.name)

    async def _begin(self) -> None:
        try:
            await self._launch()
        except (MillraceError, OSError) as error:
            self.fault = str(error)
        else:
            await self._prove()

    async def _trouble(self) -> str:
        """Wait until the device has failed too often, or its process is dead."""
        assert self._child is not None, "_launch() comes first"
        death = asyncio.ensure_future(self._child.ended())
        try:
            await asyncio.wait((death, self._enough), return_when=asyncio.FIRST_COMPLETED)
            return self._enough.result() if self._enough.done() else "its process died"
        finally:
            death.cancel()

    async def _end(self) -> None:
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._child is not None:
            await self._child.kill()
            self._child = None

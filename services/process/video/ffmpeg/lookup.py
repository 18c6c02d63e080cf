"""Looking for ffmpeg once, and remembering what came of it."""

import asyncio

import structlog

from services.process.video.ffmpeg.ffmpeg import Ffmpeg, find
from shared.errors import EngineUnavailable


class Lookup:
    """The program of one service, and why there is none.

    Args:
        setting: see `find`.
    """

    def __init__(self, setting: str | None) -> None:
        self._setting = setting
        self._found: Ffmpeg | None = None
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why no film can be made, as the last look found; concerns `/health`."""
        return self._fault

    async def program(self) -> Ffmpeg:
        """The program, looked for until there is one.

        Raises:
            EngineUnavailable: there is none that works.
        """
        if self._found is None:
            try:
                self._found = await asyncio.to_thread(find, self._setting)
            except EngineUnavailable as error:
                self._fault = f"no film can be made: {error}"
                raise
            self._fault = None
        return self._found

    async def ahead(self) -> None:
        """Find out, before a film comes, whether the program that was set works.

        Without a setting nothing happens: a service for photos needs none.
        """
        if self._setting is None:
            return
        try:
            await self.program()
        except EngineUnavailable as error:
            structlog.get_logger().warning("no film can be made", reason=str(error))

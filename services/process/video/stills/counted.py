"""How many files of a series a child has made: it tells nothing itself until all are there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_LOOK_SECONDS = 0.5


@asynccontextmanager
async def counted(files: Sequence[Path], made: Callable[[float], None]) -> AsyncIterator[None]:
    """Tell `made`, as long as the block lasts, what share of the files is there, from 0 to 1."""
    looking = asyncio.create_task(_look(files, made))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _look(files: Sequence[Path], made: Callable[[float], None]) -> None:
    """Files come in their order, so each look begins with the last one that was there."""
    there = 0
    while there < len(files):
        await asyncio.sleep(_LOOK_SECONDS)
        while there < len(files) and files[there].exists():
            there += 1
        made(there / len(files))

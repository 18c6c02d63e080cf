"""Waiting for what must come, generously: a noisy machine is slow, not wrong."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


async def until(true: Callable[[], bool | Awaitable[bool]], what: str = "") -> None:
    """Return once `true()` holds; fail when it never comes to that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = true()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"never came: {what or inspect.getsource(true).strip()}"
        await asyncio.sleep(0.005)


async def soon(awaitable: Awaitable[T]) -> T:
    """What `awaitable` gives; fail when it does not end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable

"""Asking the person at the keyboard while the event loop goes on, heartbeats and all."""

import asyncio
import threading
from typing import Any

import typer


async def confirmed(question: str) -> None:
    """Return if the answer is yes.

    Raises:
        typer.Abort: it is no, or nobody is there to answer.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def settle(how: Any, *of: Any) -> None:
        if not answer.done():
            how(*of)

    def ask() -> None:
        try:
            typer.confirm(question, abort=True, err=True)
            loop.call_soon_threadsafe(settle, answer.set_result, None)
        except typer.Abort as error:
            loop.call_soon_threadsafe(settle, answer.set_exception, error)

    # Nobody waits for this thread: after Ctrl-C it would sit at its question for ever.
    threading.Thread(target=ask, daemon=True).start()
    await answer

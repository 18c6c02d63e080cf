"""Structured logs: lines for people on a terminal, JSON for everything else."""

import logging
import sys
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import orjson
import structlog


def configure_logs(
    level: str = "info",
    form: Literal["auto", "console", "json"] = "auto",
    stream: TextIO = sys.stderr,
    **always: Any,
) -> None:
    """Send all log lines of this process to `stream`.

    Args:
        always: fields on every line, such as the service's name.
    """
    console = form == "console" or (form == "auto" and stream.isatty())
    structlog.contextvars.bind_contextvars(**always)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if console else _json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Forgiving(stream))),
        cache_logger_on_first_use=True,
    )
    # The libraries below speak through the standard module; only their trouble is of interest.
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(name)s: %(message)s")


class _Forgiving:
    """A stream whose reader may go away: then lines are lost, and never the work beside them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _json(_: Any, __: str, event: Any) -> str:
    return orjson.dumps(event, default=repr).decode()

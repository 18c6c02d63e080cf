"""Run one of the servers until Ctrl-C or SIGTERM."""

import signal
import sys
from contextlib import AbstractContextManager
from types import FrameType

from tests.servers.errors import ServerUnavailable


def serve(server: AbstractContextManager[str]) -> None:
    """Print the server's address, alone on its line, and keep it running."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with server as address:
            print(address, flush=True)
            signal.pause()
    except ServerUnavailable as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

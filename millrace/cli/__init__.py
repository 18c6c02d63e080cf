"""The command `millrace`. Every sub-command is a file; what is heavy is imported when it runs."""

import os
import sys

from millrace.cli.errors import code_of
from shared.errors import MillraceError

INTERRUPTED = 130


def main() -> None:
    """Run the command line. What a person can mend ends in one sentence, not in a traceback."""
    try:
        from millrace.cli.app import app

        app()
    except MillraceError as error:
        print(f"millrace: {error}", file=sys.stderr)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has gone; Python must not try to flush the rest at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)

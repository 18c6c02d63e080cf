"""Errors of the person at the keyboard, and the exit code of each error."""

from shared.errors import Invalid, MillraceError

FAILED = 1
MISUSED = 2


class Misuse(MillraceError):
    """The command cannot be carried out as it was given."""


def code_of(error: MillraceError) -> int:
    """2 where the command or a setting is wrong, 1 where the work went wrong."""
    # By name: importing the settings' module to ask for its class would take long.
    wrong = isinstance(error, Misuse | Invalid) or error.name == "BadSetting"
    return MISUSED if wrong else FAILED

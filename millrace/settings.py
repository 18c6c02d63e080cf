"""Reading settings from the environment: a bad value ends the start, naming the variable."""

from typing import Any, Protocol, TypeVar

import pydantic
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from shared.errors import MillraceError

S = TypeVar("S", bound=BaseSettings)


class BadSetting(MillraceError):
    """An environment variable has a value that cannot be used."""


class Reader(Protocol):
    """Gives the settings of one kind, from wherever it was made to read."""

    def __call__(self, kind: type[S]) -> S: ...


def read(kind: type[S], **given: Any) -> S:
    """The settings of one kind.

    Args:
        given: values by field, which take the place of the environment's; those of other
            kinds are ignored.

    Raises:
        BadSetting: names each variable that is wrong, and why.
    """
    try:
        return kind(**given)
    except pydantic.ValidationError as error:
        raise BadSetting("; ".join(map(_sentence, error.errors()))) from None


def _sentence(detail: ErrorDetails) -> str:
    """What is said of all settings together names the variables itself."""
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{str(detail['loc'][0]).upper()}: {reason}" if detail["loc"] else reason

"""Reading settings from the environment: a bad value ends the start, naming the variable."""

from typing import Any, Protocol, TypeVar

import pydantic
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
        wrong = (f"{_variable(detail['loc'])}: {_reason(detail)}" for detail in error.errors())
        raise BadSetting("; ".join(wrong)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]).upper() if location else "settings"


def _reason(detail: object) -> str:
    message = str(detail["msg"]) if isinstance(detail, dict) else str(detail)
    return message.removeprefix("Value error, ")

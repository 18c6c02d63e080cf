"""Saying in plain words what a parameter may be, where pydantic would list its inner types."""

from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator


def plainly(words: str, *, but: tuple[type, ...] = ()) -> WrapValidator:
    """A validator of the annotated type whose one error is `words`.

    Args:
        but: values of these types have the type's own errors, which name the wrong one of many.
    """

    def validated(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            if isinstance(value, but):
                raise
            raise ValueError(words) from None

    return WrapValidator(validated)

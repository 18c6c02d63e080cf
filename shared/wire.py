"""How Python objects are written as JSON: camelCase outside, snake_case inside."""

from collections.abc import Mapping
from typing import Any, Self

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.errors import InvalidJob


class Wire(BaseModel):
    """A frozen value that travels as JSON. Fields it does not know are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
    )

    def encode(self) -> bytes:
        """This value as compact UTF-8 JSON, without the fields that are empty."""
        # What `model_dump_json` calls, before it makes text of the bytes.
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)

    @classmethod
    def decode(cls, body: bytes | str) -> Self:
        """The value that `body` describes.

        Raises:
            InvalidJob: one sentence that names every field that is wrong.
        """
        try:
            return cls.model_validate_json(body)
        except pydantic.ValidationError as error:
            raise InvalidJob(sentence(error)) from None

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """The value that an object read from JSON describes.

        Raises:
            InvalidJob: one sentence that names every field that is wrong.
        """
        try:
            return cls.model_validate(fields)
        except pydantic.ValidationError as error:
            raise InvalidJob(sentence(error)) from None


def sentence(error: pydantic.ValidationError) -> str:
    """What is wrong, field by field, in one line a person can act on."""
    text = "; ".join(_one(detail["loc"], detail["msg"]) for detail in error.errors()[:5])
    # A name that somebody wrote may hold anything.
    return " ".join(text.split())


def _one(location: tuple[int | str, ...], message: str) -> str:
    field = ".".join(str(part) for part in location)
    reason = message.removeprefix("Value error, ")
    return f"{field}: {reason}" if field else reason

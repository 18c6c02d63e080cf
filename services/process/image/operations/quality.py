"""`quality`: one for all formats of an operation, or one for each."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PlainValidator, TypeAdapter

from services.process.image.engine import Format
from services.process.plainly import plainly

_Number = Annotated[int, Field(ge=1, le=100)]
_NUMBER = TypeAdapter(_Number)

OneQuality = int | Literal["auto"]
QualityOfFormats = tuple[tuple[Format, OneQuality], ...]


def as_format(name: Any) -> Any:
    """The name that a format has here; files have another for JPEG."""
    return "jpeg" if name == "jpg" else name


def _as_one(value: Any) -> OneQuality:
    return "auto" if value == "auto" else _NUMBER.validate_python(value)


_ONE: TypeAdapter[OneQuality] = TypeAdapter(
    Annotated[
        OneQuality,
        PlainValidator(_as_one),
        plainly('1 to 100, auto, or one of them for each format, such as {"webp": 80}'),
    ]
)
_OF_FORMATS = TypeAdapter(dict[str, Annotated[OneQuality, PlainValidator(_as_one)]])


def _as_quality(value: Any) -> OneQuality | QualityOfFormats:
    """As it was written, and of formats as pairs, which can be hashed.

    Raises:
        ValueError: what is wrong.
    """
    if not isinstance(value, Mapping):
        return _ONE.validate_python(value)
    pairs = {as_format(name): one for name, one in _OF_FORMATS.validate_python(value).items()}
    if unknown := [name for name in pairs if name not in get_args(Format)]:
        raise ValueError(f"no format '{unknown[0]}'; there are {', '.join(get_args(Format))}")
    return tuple(pairs.items())


FixedQuality = Annotated[
    int, Field(ge=1, le=100, description="1 to 100; means nothing for PNG.")
]  # where none is searched for
Quality = Annotated[
    OneQuality | QualityOfFormats,
    BeforeValidator(
        _as_quality,
        json_schema_input_type=_Number
        | Literal["auto"]
        | Annotated[
            dict[str, _Number | Literal["auto"]],
            Field(json_schema_extra={"propertyNames": {"enum": [*get_args(Format), "jpg"]}}),
        ],
    ),
    Field(
        description="1 to 100, or auto: the lowest that reaches `target`. Or one for each format"
        " by its name; those without have the operation's own. Means nothing for PNG."
    ),
]


def quality_of(kind: Format, quality: OneQuality | QualityOfFormats, own: int) -> OneQuality:
    """That of the files of one format; `own` where none is named."""
    return dict(quality).get(kind, own) if isinstance(quality, tuple) else quality

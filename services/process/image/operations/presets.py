"""The presets for photos that come with Millrace: operations under one name."""

from typing import Any

from shared.jobs import Operation

_WEB_QUALITY_OF_WIDTH = {640: 80, 1024: 85, 1920: 90}
_RESPONSIVE_WIDTHS = (400, 800, 1200, 1600)


def _operation(op: str, **parameters: Any) -> Operation:
    return Operation.model_validate({"op": op, **parameters})


WEB = (
    *(
        _operation(
            "resize",
            name=f"w{width}",
            width=width,
            formats=("webp", "avif"),
            quality=quality,
        )
        for width, quality in _WEB_QUALITY_OF_WIDTH.items()
    ),
    _operation("thumbnail"),
)
RESPONSIVE = (
    *(
        _operation("resize", name=f"w{width}", width=width, formats=("avif", "webp", "jpeg"))
        for width in _RESPONSIVE_WIDTHS
    ),
    _operation("srcset"),
)
POSE = (_operation("thumbnail", name="pose", width=400, height=400, formats=("png",)),)
AVATAR = tuple(
    _operation(
        "thumbnail",
        name=f"avatar{side}",
        width=side,
        height=side,
        focus="attention",
        formats=("webp", "jpeg"),
        quality=80,
        background="#ffffff",
    )
    for side in (64, 256)
)
PLACEHOLDER = tuple(map(_operation, ("low-quality", "thumbhash", "blurhash", "palette")))

PRESETS: dict[str, tuple[Operation, ...]] = {
    "avatar": AVATAR,
    "placeholder": PLACEHOLDER,
    "pose": POSE,
    "responsive": RESPONSIVE,
    "web": WEB,
}

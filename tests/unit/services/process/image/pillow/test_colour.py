"""What Pillow opens, as 8 bits of sRGB."""

from typing import Any

import pytest
from PIL import Image

from services.process.image.pillow import colour
from services.process.image.pillow.colour import eight_bit, srgb
from tests.unit.services.process.image import profiles


def pixel(image: Image.Image) -> Any:
    return image.getpixel((0, 0))


@pytest.mark.parametrize(
    ("mode", "value", "mode_after", "after"),
    [
        ("1", 1, "L", 255),
        ("L", 77, "L", 77),
        ("I;16", 128 * 257, "L", 128),
        ("I;16B", 128 * 257, "L", 128),
        ("I", 65535, "L", 255),
        ("I", 1, "L", 0),
        ("F", 0.5, "L", 128),
        ("F", 1.0, "L", 255),
        ("F", 32896.0, "L", 128),
        ("RGB", (1, 2, 3), "RGB", (1, 2, 3)),
        ("YCbCr", (0, 128, 128), "RGB", (0, 0, 0)),
        ("CMYK", (1, 2, 3, 4), "CMYK", (1, 2, 3, 4)),
        ("LA", (5, 6), "LA", (5, 6)),
        ("LA", (5, 255), "L", 5),
        ("RGBA", (1, 2, 3, 4), "RGBA", (1, 2, 3, 4)),
        ("RGBA", (1, 2, 3, 255), "RGB", (1, 2, 3)),
    ],
)
def test_every_mode_becomes_one_that_can_be_resampled(
    mode: str, value: Any, mode_after: str, after: Any
) -> None:
    made = eight_bit(Image.new(mode, (3, 2), value))
    assert (made.mode, pixel(made)) == (mode_after, after)


def test_a_palette_with_a_transparent_colour_becomes_rgba() -> None:
    image = Image.new("P", (3, 2), 1)
    image.putpalette([0, 0, 0, 9, 8, 7])
    assert pixel(eight_bit(image)) == (9, 8, 7)
    image.info["transparency"] = 1
    assert pixel(eight_bit(image)) == (9, 8, 7, 0)


@pytest.mark.parametrize(("mode", "value"), [("RGB", (200, 30, 10)), ("RGBA", (200, 30, 10, 128))])
def test_colours_go_by_the_profile_and_alpha_stays(mode: str, value: tuple[int, ...]) -> None:
    red, green, blue, *alpha = pixel(srgb(Image.new(mode, (3, 2), value), profiles.red_for_blue()))
    assert blue > 180 > 60 > max(red, green)
    assert [*alpha] == [*value[3:]]


def test_grey_goes_by_a_grey_profile() -> None:
    grey = pixel(srgb(Image.new("L", (3, 2), 128), profiles.linear_grey()))
    assert grey == pytest.approx((188, 188, 188), abs=1)


@pytest.mark.parametrize(
    ("mode", "value"),
    [("RGB", (200, 30, 10)), ("L", 128), ("LA", (128, 9)), ("CMYK", (1, 200, 3, 4))],
)
@pytest.mark.parametrize("profile", [None, b"none at all", profiles.srgb(), profiles.lab()])
def test_without_a_profile_that_says_more_the_values_stay(
    mode: str, value: Any, profile: bytes | None
) -> None:
    image = Image.new(mode, (3, 2), value)
    expected = image.convert("RGBA" if mode == "LA" else "RGB")
    assert pixel(srgb(image, profile)) == pixel(expected)


def test_a_profile_that_is_srgb_by_any_name_costs_no_conversion() -> None:
    assert colour._transform(profiles.srgb()) == ("RGB", None)
    assert colour._transform(profiles.red_for_blue())[1] is not None


def test_inks_do_not_go_by_a_profile_of_light() -> None:
    image = Image.new("CMYK", (3, 2), (1, 200, 3, 4))
    assert pixel(srgb(image, profiles.red_for_blue())) == pixel(image.convert("RGB"))

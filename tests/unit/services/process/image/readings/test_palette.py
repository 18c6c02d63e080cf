"""Dominant colours, and likeness."""

from PIL import Image

from services.process.image.engine import Pixels
from services.process.image.readings.likeness import likeness
from services.process.image.readings.palette import dominant

RED, BLUE = (220, 30, 30), (30, 40, 220)


def pixels(image: Image.Image) -> Pixels:
    return Pixels(*image.size, image.convert("RGBA").tobytes())


def striped(share: float) -> Image.Image:
    image = Image.new("RGB", (90, 60), RED)
    image.paste(BLUE, (0, 0, round(90 * share), 60))
    return image


def test_colours_come_with_their_shares_the_largest_first() -> None:
    assert dominant(pixels(striped(0.3)), 5) == [(RED, 0.7), (BLUE, 0.3)]


def test_alike_colours_count_as_one_when_there_are_too_many() -> None:
    image = striped(0.4)
    image.paste((60, 70, 255), (0, 0, 9, 60))
    (first, _), (second, _) = dominant(pixels(image), 2)
    assert first == RED
    assert second[2] > 200 > 100 > second[0]


def test_what_is_transparent_has_no_colour() -> None:
    image = striped(0.5).convert("RGBA")
    image.paste((0, 255, 0, 0), (0, 0, 90, 30))
    assert {colour for colour, _ in dominant(pixels(image), 5)} == {RED, BLUE}
    assert dominant(pixels(Image.new("RGBA", (5, 5))), 5) == []


def test_alike_pictures_have_alike_hashes() -> None:
    photo = Image.radial_gradient("L").crop((100, 0, 256, 256)).convert("RGB")
    hashes = [
        int(likeness(pixels(image)), 16)
        for image in (
            photo.resize((72, 72)),
            photo.resize((60, 60)),
            photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((72, 72)),
        )
    ]
    assert (hashes[0] ^ hashes[1]).bit_count() <= 4
    assert (hashes[0] ^ hashes[2]).bit_count() > 12


def test_tiny_pictures_have_a_hash_too() -> None:
    assert likeness(pixels(Image.new("RGB", (1, 1)))) == "0" * 16
    assert len(likeness(pixels(Image.new("RGB", (3, 500), "red")))) == 16

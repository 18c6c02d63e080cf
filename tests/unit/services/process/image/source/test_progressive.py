"""What is left of a progressive JPEG gives the same pixels at an eighth, with both decoders."""

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from services.process.image.source import jpeg
from services.process.image.source.progressive import SHRINK, coarse
from tests.conftest import CORPUS, ROOT
from tests.unit.services.process.image.source.jpegs import Form, Scan, chain, noise, simple

PHOTOS = CORPUS / "photos"


def pixels_by_libvips(file: bytes) -> bytes:
    """Those at an eighth. The decoder's least warning is an error."""
    options = {"shrink": SHRINK, "access": "sequential", "fail_on": "warning"}
    pixels: bytes = pyvips.Image.jpegload_buffer(file, **options).write_to_memory()
    return pixels


def opened_by_pillow(file: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(file))
    image.draft(None, (image.width // SHRINK, image.height // SHRINK))
    image.load()
    return image


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("progressive") / "photo.jpg"


def shortened(file: bytes, source: Path) -> bytes | None:
    source.write_bytes(file)
    return coarse(source)


def shortened_alike(file: bytes, source: Path) -> bytes:
    """Also that nobody sees a difference."""
    short = shortened(file, source)
    assert short is not None
    assert pixels_by_libvips(short) == pixels_by_libvips(file)
    by_pillow, wanted = opened_by_pillow(short), opened_by_pillow(file)
    assert (by_pillow.tobytes(), by_pillow.info) == (wanted.tobytes(), wanted.info)
    return short


def scans(file: bytes) -> Iterator[tuple[jpeg.Scan, int]]:
    """Each with how many bytes it takes."""
    for part in jpeg.segments(file):
        if part.marker == jpeg.SOS:
            yield jpeg.Scan.of(part.body), part.end - part.start


# Files of every form


@st.composite
def scripts(draw: st.DrawFn, sampling: tuple[tuple[int, int], ...]) -> tuple[Scan, ...]:
    """Scans in any order that the standard allows, with bands and bits of any kind."""
    every = tuple(range(len(sampling)))
    together = sum(h * v for h, v in sampling) <= 10 and draw(st.booleans())
    groups = [every] if together else [(component,) for component in every]
    means = [chain(group, 0, 0, draw(st.integers(0, 3))) for group in groups]
    details = []
    for component in every:
        bounds = [1, *sorted(draw(st.sets(st.integers(2, 63), max_size=2))), 64]
        for first, behind in pairwise(bounds):
            details.append(chain((component,), first, behind - 1, draw(st.integers(0, 2))))
    later = [one[1:] for one in means] + details
    order = draw(st.permutations([n for n, one in enumerate(later) for _ in one]))
    ways = [iter(one) for one in later]
    return (*(one[0] for one in means), *(next(ways[n]) for n in order))


@st.composite
def forms(draw: st.DrawFn) -> Form:
    most = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    parts = [[n for n in (1, 2, 3, 4) if side % n == 0] for side in most]
    others = st.tuples(*map(st.sampled_from, parts))
    count = draw(st.sampled_from((1, 3, 3, 4)))
    sampling = tuple(draw(st.permutations([most, *(draw(others) for _ in range(count - 1))])))
    width, height = draw(st.tuples(st.integers(8, 70), st.integers(8, 70)))
    restart = draw(st.sampled_from((0, 0, 1, 3, 10)))
    return Form(width, height, sampling, draw(scripts(sampling)), restart)


@given(forms())
@settings(max_examples=60, deadline=None)
def test_pixels_are_the_same_whatever_the_form(source: Path, form: Form) -> None:
    shortened_alike(noise(form), source)


def test_the_files_made_here_have_the_same_pixels_however_they_are_coded() -> None:
    """In full as well: what makes them is right."""
    sampling = ((2, 2), (1, 1), (1, 1))
    script = (
        *chain((0, 1, 2), 0, 0, 2),
        *(scan for n in range(3) for scan in chain((n,), 1, 20, 2) + chain((n,), 21, 63, 1)),
    )
    plain, fine = (noise(Form(61, 45, sampling, one)) for one in (simple(sampling), script))
    first, second = (pyvips.Image.jpegload_buffer(one, fail_on="warning") for one in (plain, fine))
    assert first.write_to_memory() == second.write_to_memory()


KEPT: dict[str, tuple[tuple[tuple[int, int], ...], set[int]]] = {
    "grey": (((1, 1),), set()),
    "grey, of other factors": (((2, 2),), set()),
    "4:4:4": (((1, 1), (1, 1), (1, 1)), set()),
    "4:2:2": (((2, 1), (1, 1), (1, 1)), set()),
    "4:4:0": (((1, 2), (1, 1), (1, 1)), set()),
    "4:1:1": (((4, 1), (1, 1), (1, 1)), set()),
    "4:2:0": (((2, 2), (1, 1), (1, 1)), {1, 2}),
    "4:1:0": (((4, 2), (1, 1), (1, 1)), {1, 2}),
    "luma of half the resolution": (((1, 1), (2, 2), (2, 2)), {0}),
    "a third": (((3, 3), (1, 1), (1, 1)), set()),
    "four components": (((2, 2), (1, 1), (1, 1), (2, 2)), {1, 2}),
}


@pytest.mark.parametrize("name", KEPT)
def test_detail_is_kept_where_a_decoder_uses_it(name: str, source: Path) -> None:
    sampling, kept = KEPT[name]
    short = shortened_alike(noise(Form(97, 83, sampling, simple(sampling))), source)
    found = {scan.components[0] for scan, size in scans(short) if scan.first and size > 20}
    assert found == kept


@pytest.mark.parametrize(
    ("across", "down"), [(1, 1), (217, 151), (256, 128), (255, 257), (256, 256)]
)
def test_every_block_is_told_of(across: int, down: int, source: Path) -> None:
    """Of one too few, the decoder would warn. One code tells of 32767 at most."""
    shortened_alike(saved(Image.new("L", (8 * across, 8 * down), 99)), source)


# Files of encoders


def saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "jpeg", **{"progressive": True, **options})
    return file.getvalue()


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    with Image.open(ROOT / "examples" / "mountains.jpg") as image:
        image.draft("RGB", (816, 612))
        return image.convert("RGB")


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(816, 612), (801, 599), (15, 8)])
@pytest.mark.parametrize("restart", [{}, {"restart_marker_blocks": 5}, {"restart_marker_rows": 1}])
def test_pillows_files(
    subsampling: str,
    size: tuple[int, int],
    restart: dict[str, int],
    photo: Image.Image,
    source: Path,
) -> None:
    part = photo.crop((0, 0, *size))
    shortened_alike(saved(part, subsampling=subsampling, **restart), source)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_pillows_files_of_other_colours(mode: str, photo: Image.Image, source: Path) -> None:
    shortened_alike(saved(photo.convert(mode)), source)


@pytest.mark.parametrize("subsampling", ["on", "off"])
@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK"])
def test_mozjpegs_files(kind: str, subsampling: str, photo: Image.Image, source: Path) -> None:
    """Its scans are those that take the fewest bytes; CMYK is written as YCCK."""
    image = pyvips.Image.new_from_array(photo.convert(kind))
    if kind == "CMYK":
        image = image.copy(interpretation="cmyk")
    file = image.jpegsave_buffer(
        interlace=True, optimize_scans=True, trellis_quant=True, subsample_mode=subsampling
    )
    shortened_alike(file, source)


def test_what_is_told_of_the_photo_is_still_told(photo: Image.Image, source: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = saved(photo, exif=exif, icc_profile=profile, comment=b"a comment", dpi=(72, 72))
    image = opened_by_pillow(shortened_alike(file, source))
    assert image.info["icc_profile"] == profile
    assert image.getexif()[0x0112] == 6


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photos are not beside this checkout")
def test_real_photos(source: Path) -> None:
    files = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    progressive = [file for file in files if b"\xff\xc2\x00\x11\x08" in file]
    assert len(progressive) == 5
    for file in progressive:
        assert len(shortened_alike(file, source)) < len(file) / 5

"""The engine `cuda` makes Pillow's files, whether the GPU does its part or not."""

import io
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.process.image.engine import Engine, Limits, Rendered, Target, Wish
from services.process.image.gpu.device import Declined, Memory
from services.process.image.gpu.engine import LINE, Cuda
from services.process.image.gpu.host import Host
from services.process.image.gpu.kernels import MOST_BYTES
from services.process.image.gpu.wire import Answer, send
from services.process.image.look import Watermark
from services.process.image.operations import PHOTOS
from services.process.image.pillow.engine import Pillow
from services.process.plan import plan
from shared.errors import CorruptMedia
from tests.processor.device import Processor
from tests.unit.services.process.image.conftest import new_line

PILLOW = f"pillow {PIL.__version__}"
LOOKS = (
    Target("w", "png", width=90),
    Target("cut", "png", width=60, height=60, fit="cover", focus=(0.2, 0.9)),
    Target("soft", "webp", width=77, blur=3.3),
    Target("marked", "png", width=80, watermark=Watermark("logo")),
)


@contextmanager
def connected(host: Host) -> Iterator[None]:
    """This process's engine `cuda` has a line to `host`."""
    ours, theirs = socket.socketpair()
    host.start(theirs)
    with ours:
        LINE.connect(new_line(ours))
        yield
    LINE.close()


def rendered(engine: Engine, source: Path, wishes: Sequence[Wish], folder: Path) -> list[Rendered]:
    folder.mkdir()
    return list(engine.render(source, wishes, folder))


def without_engine(made: Sequence[Rendered]) -> list[tuple[object, ...]]:
    return [(one.wish, one.width, one.height, one.sha256, one.recipe) for one in made]


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    Image.new("RGBA", (30, 10), (255, 0, 0, 99)).save(tmp_path / "logo.png")
    return Limits(10**8, watermarks=tmp_path)


@pytest.fixture(params=["RGB", "RGBA", "L", "LA", "CMYK", "P", "turned"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Noise of every kind that is resized."""
    mode = "RGB" if request.param == "turned" else request.param
    pixels = np.random.default_rng(2).bytes(211 * 163 * 4)
    image = Image.frombytes("RGBA", (211, 163), pixels).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6 if request.param == "turned" else 1
    path = tmp_path / f"a.{'tif' if mode == 'CMYK' else 'png'}"
    image.save(path, exif=exif)
    return path


def test_files_and_recipes_are_pillows(
    line: socket.socket, limits: Limits, source: Path, tmp_path: Path
) -> None:
    by_gpu = rendered(Cuda(limits), source, LOOKS, tmp_path / "gpu")
    by_pillow = rendered(Pillow(limits), source, LOOKS, tmp_path / "pillow")
    assert without_engine(by_gpu) == without_engine(by_pillow)
    assert {one.engine for one in by_gpu} == {"processor"}
    assert LINE.use.frames == len(LOOKS) + 1
    assert 0 < LINE.use.batches <= LINE.use.frames


def test_the_web_preset_of_a_photo_is_pillows(
    line: socket.socket, limits: Limits, mountains: Path, tmp_path: Path
) -> None:
    wishes = [wish for recipe in plan(None, PHOTOS) for wish in recipe.wishes()]
    source = tmp_path / "photo.jpg"
    with Image.open(mountains) as image:
        image.resize((1200, 900)).save(source, quality=95)
    by_gpu = rendered(Cuda(limits), source, wishes, tmp_path / "gpu")
    by_pillow = rendered(Pillow(limits), source, wishes, tmp_path / "pillow")
    assert without_engine(by_gpu) == without_engine(by_pillow)


def test_what_needs_no_gpu_is_named_after_pillow(
    line: socket.socket, limits: Limits, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    (made,) = rendered(Cuda(limits), tmp_path / "a.png", [Target("a", "png")], tmp_path / "out")
    assert made.engine == PILLOW
    assert (LINE.use.frames, LINE.use.fault) == (0, None)


def test_what_is_too_long_for_the_gpu_is_done_by_pillow(
    line: socket.socket, limits: Limits, tmp_path: Path
) -> None:
    Image.linear_gradient("L").resize((70_000, 20)).save(tmp_path / "a.png")
    (made,) = rendered(Cuda(limits), tmp_path / "a.png", LOOKS[:1], tmp_path / "out")
    assert (made.engine, made.width) == (PILLOW, 90)
    assert LINE.use.fault is None


# ── failures ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    """The far end of this process's line, where a test answers in the GPU's place."""
    near, far = socket.socketpair()
    LINE.connect(near)
    with far:
        yield far
    LINE.close()


def falls_back(limits: Limits, source: Path, tmp_path: Path) -> str | None:
    """All files are Pillow's, and named so; why."""
    by_gpu = rendered(Cuda(limits), source, LOOKS, tmp_path / "gpu")
    by_pillow = rendered(Pillow(limits), source, LOOKS, tmp_path / "pillow")
    assert by_gpu == by_pillow
    return LINE.use.fault


@pytest.fixture
def photo(mountains: Path, tmp_path: Path) -> Path:
    with Image.open(mountains) as image:
        image.resize((400, 300)).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def test_a_dead_gpu_is_fallen_back_from(
    ours: socket.socket, limits: Limits, photo: Path, tmp_path: Path
) -> None:
    ours.close()
    assert "no answer" in str(falls_back(limits, photo, tmp_path))
    (tmp_path / "again").mkdir()
    assert "no answer" in str(falls_back(limits, photo, tmp_path / "again"))


def test_a_late_answer_is_not_taken_for_that_to_the_next_question(
    limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.process.image.gpu.line.ANSWER_SECONDS", 0.2)
    near, far = socket.socketpair()
    LINE.connect(near)
    source = tmp_path / "small.png"  # so that the question goes out whole
    Image.linear_gradient("L").convert("RGB").resize((150, 100)).save(source)
    with far:
        assert falls_back(limits, source, tmp_path) == "no answer: timed out"
        with suppress(OSError):
            send(far, Answer(width=1, height=1, channels=3, by="late", begins=True), b"123")
        (tmp_path / "again").mkdir()
        assert falls_back(limits, source, tmp_path / "again") == "no answer: timed out"


@pytest.mark.parametrize("nonsense", [b"\0\0\0\2{}", b"\xff\xff\xff\xff", b"\0\0\0\4null"])
def test_an_answer_that_is_none_is_fallen_back_from(
    ours: socket.socket, limits: Limits, photo: Path, tmp_path: Path, nonsense: bytes
) -> None:
    ours.sendall(nonsense)
    fault = str(falls_back(limits, photo, tmp_path))
    assert fault.startswith("no answer: ")
    assert "\n" not in fault


class Failing(Processor):
    """Proves well, and fails at every photo."""

    def run(self, kernel: str, threads: int, *arguments: object) -> None:
        raise RuntimeError("no more")


class Unblurring(Processor):
    """Resizes well."""

    def run(self, kernel: str, threads: int, *arguments: Memory | int) -> None:
        if kernel == "box":
            raise RuntimeError("no blur")
        super().run(kernel, threads, *arguments)


class Declining(Processor):
    """Takes no photo, for none is fit."""

    def run(self, kernel: str, threads: int, *arguments: object) -> None:
        raise Declined("too large")


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        (Failing, "RuntimeError: no more"),
        (Unblurring, "RuntimeError: no blur"),
        (Declining, None),
    ],
)
def test_what_the_gpu_cannot_is_done_by_pillow(
    processor: Processor,
    device: type[Processor],
    fault: str | None,
    limits: Limits,
    photo: Path,
    tmp_path: Path,
) -> None:
    with connected(Host(device(), None, MOST_BYTES)):
        assert falls_back(limits, photo, tmp_path) == fault


# ── decoding ─────────────────────────────────────────────────────────────────────────────────


class Other:
    """Decodes like Pillow, but one level brighter; what is missing of a file becomes grey."""

    name = "other 1.0"

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        return [self._pixels(Image.open(io.BytesIO(file))) for file in files]

    def _pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        try:
            brighter: NDArray[np.uint8] = np.minimum(np.asarray(image), 254) + 1
            return brighter
        except OSError:
            return np.full((image.height, image.width, 3), 128, np.uint8)


@pytest.fixture
def decoding(processor: Processor, limits: Limits) -> Iterator[Limits]:
    """Limits of a service whose GPU decodes; this process has a line to it."""
    with connected(Host(processor, Other(), MOST_BYTES)):
        yield Limits(limits.pixels, gpu_decode=True)


def test_what_the_gpu_decoded_has_a_recipe_of_its_own(
    decoding: Limits, photo: Path, tmp_path: Path
) -> None:
    (by_gpu,) = rendered(Cuda(decoding), photo, [Target("a", "png")], tmp_path / "gpu")
    (by_pillow,) = rendered(Pillow(decoding), photo, [Target("a", "png")], tmp_path / "pillow")
    assert by_gpu.recipe != by_pillow.recipe
    with Image.open(tmp_path / "gpu" / "a.png") as one, Image.open(photo) as other:
        assert int(np.asarray(one).max()) == min(255, int(np.asarray(other).max()) + 1)


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_other_files_are_decoded_by_pillow(decoding: Limits, kind: str, tmp_path: Path) -> None:
    source = tmp_path / f"a.{kind}"
    Image.linear_gradient("L").convert("RGB").save(source)
    by_gpu = rendered(Cuda(decoding), source, [Target("a", width=99)], tmp_path / "gpu")
    by_pillow = rendered(Pillow(decoding), source, [Target("a", width=99)], tmp_path / "pillow")
    assert without_engine(by_gpu) == without_engine(by_pillow)


def test_a_file_that_is_cut_short_is_refused_as_ever(
    decoding: Limits, photo: Path, tmp_path: Path
) -> None:
    photo.write_bytes(photo.read_bytes()[:-2000])
    with pytest.raises(CorruptMedia, match="damaged"):
        rendered(Cuda(decoding), photo, [Target("a")], tmp_path / "gpu")
    assert LINE.use.decoded_by is None

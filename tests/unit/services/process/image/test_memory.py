"""How much memory a photo takes in its child, with all outputs of the default preset."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pyvips

from services.process.settings import ProcessSettings
from services.process.stage import Process, opened
from shared.jobs import Operation
from shared.workspace import Attempt

MIB = 2**20
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def stage() -> AsyncIterator[Process]:
    async with opened(ProcessSettings(process_workers=1)) as stage:
        yield stage


def large(path: Path, tile: Path, width: int, height: int, *, progressive: bool = False) -> Path:
    """A photo of that size."""
    part = pyvips.Image.new_from_file(str(tile))
    wall = part.replicate(-(-width // part.width), -(-height // part.height))
    wall.crop(0, 0, width, height).jpegsave(str(path), Q=85, interlace=progressive, keep="none")
    return path


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("width", "height", "bound"), [(12_000, 8_333, 600 * MIB), (5_300, 3_774, 200 * MIB)]
)
async def test_a_large_photo_stays_within_its_bound(
    stage: Process,
    work: Attempt,
    mountains: Path,
    tmp_path: Path,
    width: int,
    height: int,
    progressive: bool,
    bound: int,
) -> None:
    photo = large(tmp_path / "large.jpg", mountains, width, height, progressive=progressive)
    outputs = await stage.media["image"].make(photo, None, work)
    assert len(outputs) == 7
    assert work.spent.peak_memory_bytes < bound


def part(number: int, **sides: int) -> Operation:
    return Operation.model_validate(
        {"op": "crop", "name": f"c{number}", "left": number, "top": 0, "formats": ["jpeg"], **sides}
    )


async def test_full_size_outputs_do_not_add_up(
    stage: Process, work: Attempt, mountains: Path, tmp_path: Path
) -> None:
    """Each has 57 MiB in memory, and is let go of when it is a file."""
    photo = large(tmp_path / "large.jpg", mountains, 5_300, 3_774)
    parts = tuple(part(number, width=5_290, height=3_774) for number in range(8))
    assert len(await stage.media["image"].make(photo, parts, work)) == 8
    assert work.spent.peak_memory_bytes < 500 * MIB


async def test_one_part_takes_no_more_than_its_columns(
    stage: Process, work: Attempt, mountains: Path, tmp_path: Path
) -> None:
    photo = large(tmp_path / "large.jpg", mountains, 12_000, 8_333)
    await stage.media["image"].make(photo, (part(0, width=400, height=300),), work)
    assert work.spent.peak_memory_bytes < 200 * MIB

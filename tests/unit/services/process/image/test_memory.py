"""How much memory a photo takes in its child, with all outputs of the default preset."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pyvips

from services.process.settings import ProcessSettings
from services.process.stage import Process, opened
from shared.workspace import Attempt

MIB = 2**20
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def stage() -> AsyncIterator[Process]:
    async with opened(ProcessSettings(process_workers=1)) as stage:
        yield stage


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
    photo = tmp_path / "large.jpg"
    tile = pyvips.Image.new_from_file(str(mountains))
    wall = tile.replicate(-(-width // tile.width), -(-height // tile.height))
    wall.crop(0, 0, width, height).jpegsave(str(photo), Q=85, interlace=progressive, keep="none")
    outputs = await stage.media["image"].make(photo, None, work)
    assert len(outputs) == 7
    assert work.spent.peak_memory_bytes < bound

"""A storyboard out of a passage, without ffmpeg."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.process.image.engine import Target
from services.process.video.film import Storyboard
from services.process.video.products.board import Board
from services.process.video.products.product import Passed
from shared.errors import CorruptMedia


async def test_a_passage_without_any_picture_is_a_damaged_film(tmp_path: Path) -> None:
    board = Board(Storyboard("board", 2.0, 5, 160, 90, Target(name="board")))
    work: Any = SimpleNamespace(directory=tmp_path)
    nothing: Any = None
    with pytest.raises(CorruptMedia, match=r"nothing of it can be decoded for 'board\.vtt'"):
        await board.finish(Passed(nothing, nothing, work, "no picture", 0.0))

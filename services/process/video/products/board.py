"""A storyboard whose pictures come out of a passage that decodes the film anyway."""

from dataclasses import dataclass
from pathlib import Path

from services.process.video.branch import WHOLE, Branch, Tap, Window
from services.process.video.command import png
from services.process.video.film import Film, Storyboard
from services.process.video.products.product import Passed, Plain
from services.process.video.shots import Grid
from services.process.video.storyboard import finished
from shared.jobs import Output


@dataclass(frozen=True, slots=True)
class Board(Plain):
    """The sheet, laid out by ffmpeg: a picture at the middle of each interval."""

    board: Storyboard

    @property
    def name(self) -> str:
        """The storyboard's."""
        return self.board.name

    @property
    def window(self) -> Window:
        """All of the film."""
        return WHOLE

    @property
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""
        return self.board.files

    @property
    def traces(self) -> tuple[str, ...]:
        """See `Product.traces`."""
        return self.name, self._drawing, *self.files

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One, of few and small pictures."""
        board, grid = self.board, self._grid
        rows = grid.size[1] // grid.height
        tap = Tap(board.width, board.height, 1 / board.interval, sparse=True)
        chain = f"[{{source}}]tile={grid.columns}x{rows}[{{sink}}]"
        options = ("-frames:v", "1", "-an", *png(directory / self._drawing))
        return (Branch(options, tap, chain),)

    @property
    def _grid(self) -> Grid:
        return Grid(self.board.count, self.board.width, self.board.height)

    @property
    def _drawing(self) -> str:
        return f"{self.name}.drawing.tmp"

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`."""
        drawing = passed.directory / self._drawing
        try:
            made = await finished(
                passed.tools, passed.film, self.board, self._grid, drawing, passed.work
            )
        finally:
            drawing.unlink(missing_ok=True)
        return (made,)

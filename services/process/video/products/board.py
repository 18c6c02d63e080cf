"""A storyboard whose pictures come out of a passage that decodes the film anyway."""

from dataclasses import dataclass, replace
from pathlib import Path

from services.process.video.ffmpeg.branch import WHOLE, Branch, Tap, Window
from services.process.video.ffmpeg.command import PNG
from services.process.video.film import Film, Storyboard
from services.process.video.products.product import Passed, Plain
from services.process.video.stills.shots import Grid
from services.process.video.stills.storyboard import finished
from shared.jobs import Output


@dataclass(frozen=True, slots=True)
class Board(Plain):
    """A sheet with a picture of the middle of each interval."""

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
        return self.name, self._frames, self._drawing, *self.files

    def folders(self) -> tuple[str, ...]:
        """One for the pictures."""
        return (self._frames,)

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """One, of few and small pictures.

        Each becomes a file at once. ffmpeg's `tile` would have nothing before the film's end, and
        newer versions tell nothing of their progress before each output has begun.
        """
        board = self.board
        tap = Tap(board.width, board.height, 1 / board.interval, sparse=True)
        # Relative, since ffmpeg would read a number pattern into all of an absolute path.
        files = ("-f", "image2", f"{self._frames}/%d.png")
        return (Branch(("-frames:v", str(board.count), "-an", *PNG, *files), tap),)

    @property
    def _frames(self) -> str:
        return f"{self.name}.frames.tmp"

    @property
    def _drawing(self) -> str:
        return f"{self.name}.drawing.tmp"

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """See `Product.finish`.

        A film that is shorter than it says has fewer pictures, and so has its storyboard.

        Raises:
            CorruptMedia: it has none.
        """
        folder, drawing = passed.directory / self._frames, passed.directory / self._drawing
        files = [folder / f"{number}.png" for number in range(1, self.board.count + 1)]
        there = [file for file in files if file.exists()]
        if not there:
            raise passed.barren(self.files[0])
        board = replace(self.board, count=len(there))
        grid = Grid(board.count, board.width, board.height)
        await passed.tools.sheet(there, grid, drawing, passed.work)
        folder.rmdir()
        made = await finished(
            passed.tools, passed.film.duration_seconds, board, grid, drawing, passed.work
        )
        drawing.unlink()
        return (made,)

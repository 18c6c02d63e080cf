"""What all products have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from services.process.video.ffmpeg.branch import Branch, Window
from services.process.video.ffmpeg.verdict import summary
from services.process.video.film import Film
from services.process.video.source.whole import check_whole
from shared.errors import CorruptMedia, EngineUnavailable, MillraceError
from shared.jobs import Output

if TYPE_CHECKING:
    from services.process.video.tools import Tools
    from shared.work import Work


@dataclass(frozen=True, slots=True)
class Passed:
    """What a passage leaves behind for its products.

    Attributes:
        complaints: what ffmpeg said, or what is wrong with the film anyway; may be nothing.
        seconds: how far into the window its outputs reach; see `Progress.seconds`.
        salvage: whether what there is of a damaged film is enough.
    """

    film: Film
    tools: "Tools"
    work: "Work"
    complaints: str
    seconds: float
    salvage: bool = False

    @property
    def directory(self) -> Path:
        """Where the files are, from the root."""
        return self.work.directory.absolute()

    def missing(self, seconds: float, wanted: float) -> float | None:
        """See `Output.missing_seconds`, of an output of `seconds` that should have `wanted`.

        Raises:
            CorruptMedia: something is missing, and not to be.
        """
        return check_whole(self.complaints, seconds, wanted, salvage=self.salvage)

    def written(self, file: str) -> Path:
        """What ffmpeg wrote by that name.

        Raises:
            CorruptMedia: it wrote nothing.
        """
        path = self.directory / file
        if path.exists() and path.stat().st_size:
            return path
        raise self.barren(file)

    def barren(self, file: str) -> CorruptMedia:
        """The error for a part of a film of which nothing came into that file."""
        return CorruptMedia(
            f"The film is damaged: nothing of it can be decoded for '{file}'"
            f" ({summary(self.complaints)})."
        )

    def unreadable(self, file: str) -> MillraceError:
        """The error for a file of ours that cannot be read: the film's fault, or ffmpeg's alone."""
        if not self.complaints:
            return EngineUnavailable(f"ffmpeg left '{file}' unfinished, and gave no reason.")
        return CorruptMedia(
            f"The film is damaged: ffmpeg made no '{file}' of it that can be read"
            f" ({summary(self.complaints)})."
        )


class Product(Protocol):
    """Something that is made of a film: pure as to how, and the one who finishes it."""

    @property
    def name(self) -> str:
        """What its outputs are called."""
        ...

    @property
    def window(self) -> Window:
        """The part of the film that it needs."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """What ffmpeg has to be built with."""
        ...

    @property
    def decodes(self) -> bool:
        """Whether all pictures of the window are decoded for it."""
        ...

    @property
    def anew(self) -> "Product":
        """The same, encoded, if its pictures are copied; else itself."""
        ...

    @property
    def salvage(self) -> bool:
        """Whether of a damaged film is made what can be decoded of it."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """See `Output.file`, of each of its outputs."""
        ...

    @property
    def traces(self) -> tuple[str, ...]:
        """All that may lie in the directory of it: outputs, folders, what is made on the way."""
        ...

    def branches(self, film: Film, directory: Path) -> tuple[Branch, ...]:
        """Its outputs of ffmpeg, which go below `directory`."""
        ...

    def folders(self) -> tuple[str, ...]:
        """The folders below the directory that have to be there before."""
        ...

    async def finish(self, passed: Passed) -> tuple[Output, ...]:
        """Its outputs, once the passage is over.

        Raises:
            CorruptMedia: the film could not be decoded, or not to its end.
        """
        ...


class Plain(ABC):
    """A product that needs no more than ffmpeg itself, no folder of its own, and no pictures."""

    __slots__ = ()

    @property
    def anew(self) -> Self:
        """See `Product.anew`."""
        return self

    @property
    def salvage(self) -> bool:
        """See `Product.salvage`."""
        return False

    @property
    def decodes(self) -> bool:
        """See `Product.decodes`."""
        return False

    @property
    def libraries(self) -> tuple[str, ...]:
        """See `Product.libraries`."""
        return ()

    @property
    @abstractmethod
    def files(self) -> tuple[str, ...]:
        """See `Product.files`."""

    @property
    def traces(self) -> tuple[str, ...]:
        """See `Product.traces`."""
        return self.files

    def folders(self) -> tuple[str, ...]:
        """See `Product.folders`."""
        return ()

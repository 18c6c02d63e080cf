"""`srcset`: what a page's `<picture>` needs of the job's other outputs, as JSON."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from services.process.image.engine import Format, Rendered, Target
from services.process.image.operations.picture import Picture
from services.process.plainly import plainly
from shared.jobs import Name

_PREFERRED: tuple[Format, ...] = ("avif", "jxl", "webp", "jpeg", "png")  # the first that is known
_SAFEST: tuple[Format, ...] = ("jpeg", "png", "webp", "avif", "jxl")


class Srcset(Picture):
    """JSON: `sources` (`type` and `srcset` of each format), `img` (`src`, `width`, `height`), `sizes`.

    It makes no file of a picture itself; it tells of those that other operations make.
    """

    of: Annotated[
        tuple[Name, ...],
        plainly('a list of names of outputs, such as ["small"]'),
    ] = Field(
        default=(),
        max_length=64,
        description="The names of the outputs to list; by default all that show the whole photo.",
    )
    sizes: str = Field(
        default="100vw",
        max_length=500,
        description="How wide the page shows the photo, as the attribute `sizes` says it.",
    )

    @property
    def files(self) -> tuple[str, ...]:
        """What it concludes."""
        return (f"{self.name}.json",)

    def wishes(self) -> tuple[Target, ...]:
        """None of its own."""
        return ()

    def conclusion(self, made: Sequence[Rendered]) -> dict[str, Any] | None:
        """See `Picture.conclusion`."""
        listed = {kind: files for kind in _PREFERRED if (files := self._listed(kind, made))}
        if not listed:
            return {"sources": [], "sizes": self.sizes}
        widest = listed[next(kind for kind in _SAFEST if kind in listed)][-1]
        return {
            "sources": [_source(files) for files in listed.values()],
            "img": {"src": _url(widest), "width": widest.width, "height": widest.height},
            "sizes": self.sizes,
        }

    def below(self, prefix: str) -> Self:
        """See `Picture.below`; what it lists is called so as well."""
        listed = tuple(f"{prefix}-{name}" for name in self.of)
        return super().below(prefix).model_copy(update={"of": listed})

    def _listed(self, kind: Format, made: Iterable[Rendered]) -> list[Rendered]:
        """The outputs of one format, the narrowest first, one of each width."""
        widths: dict[int, Rendered] = {}
        for rendered in made:
            if self._lists(rendered) and rendered.wish.media_type == f"image/{kind}":
                widths.setdefault(_width(rendered), rendered)
        return [widths[width] for width in sorted(widths)]

    def _lists(self, rendered: Rendered) -> bool:
        wish = rendered.wish
        if not isinstance(wish, Target):
            return False
        if self.of:
            return wish.name in self.of
        return wish.fit == "inside" and not (wish.cut or wish.blur or wish.max_bytes)


def _width(rendered: Rendered) -> int:
    return rendered.width or 0


def _url(rendered: Rendered) -> str:
    return f"{{url:{rendered.wish.file}}}"


def _source(files: list[Rendered]) -> dict[str, str]:
    listed = ", ".join(f"{_url(rendered)} {rendered.width}w" for rendered in files)
    return {"type": files[0].wish.media_type, "srcset": listed}

"""The operations on films. A new one is a file here and a line below."""

from services.process.image.operations import PHOTOS
from services.process.plan import Catalogue
from services.process.video.operations.captions import CaptionTexts
from services.process.video.operations.hls import Hls
from services.process.video.operations.poster import Poster
from services.process.video.operations.preview import Moment
from services.process.video.operations.probe import Probe
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.operations.renditions import Renditions
from services.process.video.operations.sound import Audio, Wave
from services.process.video.operations.storyboard import Board
from services.process.video.operations.thumbnails import Thumbnails
from services.process.video.operations.trim import Trim
from shared.jobs import Operation


def _preset(*operations: str) -> tuple[Operation, ...]:
    return tuple(Operation(op=operation) for operation in operations)


FILMS: Catalogue[FilmRecipe] = Catalogue(
    noun="film",
    recipes={
        "audio": Audio,
        "captions": CaptionTexts,
        "hls": Hls,
        "poster": Poster,
        "preview": Moment,
        "probe": Probe,
        "renditions": Renditions,
        "storyboard": Board,
        "thumbnails": Thumbnails,
        "trim": Trim,
        "waveform": Wave,
    },
    presets={
        "clip": _preset("preview", "poster"),
        "film": _preset("renditions", "poster", "storyboard"),
        "stream": _preset("hls", "poster", "storyboard"),
    },
    default="film",
    inner=PHOTOS,
    shared=frozenset({"salvage"}),
)

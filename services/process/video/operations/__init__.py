"""The operations on films. A new one is a file here and a line below."""

from services.process.plan import Catalogue
from services.process.video.operations.hls import Hls
from services.process.video.operations.poster import Poster
from services.process.video.operations.recipe import FilmRecipe
from services.process.video.operations.renditions import Renditions
from shared.jobs import Operation

FILMS: Catalogue[FilmRecipe] = Catalogue(
    noun="film",
    recipes={"hls": Hls, "poster": Poster, "renditions": Renditions},
    presets={"film": (Operation(op="renditions"), Operation(op="poster"))},
    default="film",
)

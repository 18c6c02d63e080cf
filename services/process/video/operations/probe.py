"""`probe`: what the film is, as JSON."""

from typing import Any, ClassVar

from services.process.video.film import Captions, Film, Sound
from services.process.video.operations.recipe import FilmRecipe


class Probe(FilmRecipe):
    """JSON: container, duration, and every stream that can be used."""

    needs_pictures: ClassVar[bool] = False
    reads_all: ClassVar[bool] = False

    def told(self, film: Film) -> dict[str, Any]:
        """All that is known of it."""
        return {
            "container": film.container,
            "durationSeconds": round(film.duration_seconds, 3),
            **({} if film.video_stream is None else {"video": _pictures(film)}),
            "audio": [_sound(track) for track in film.sounds],
            "captions": [_captions(track) for track in film.captions],
        }


def _pictures(film: Film) -> dict[str, Any]:
    return {
        "codec": film.video_codec,
        "width": film.width,
        "height": film.height,
        "storedWidth": film.stored_width,
        "storedHeight": film.stored_height,
        "pixelAspectRatio": film.pixel_aspect,
        "rotation": film.rotation,
        "frameRate": round(film.frame_rate, 3),
        "bitRate": film.video_bit_rate,
        "pixelFormat": film.pixel_format,
        "interlaced": film.interlaced,
        "hdr": _HDR_NAMES.get(film.transfer or ""),
    }


_HDR_NAMES = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


def _sound(track: Sound) -> dict[str, Any]:
    told = {"channels": track.channels, "sampleRate": track.rate, "default": track.default}
    return {"codec": track.codec, **told, "language": track.language, "title": track.title}


def _captions(track: Captions) -> dict[str, Any]:
    told = {"text": track.text, "language": track.language, "title": track.title}
    return {"codec": track.codec, **told}

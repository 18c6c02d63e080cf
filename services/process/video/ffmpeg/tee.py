"""Files that have the same streams beside their pictures: one output of ffmpeg, its `tee`. Pure.

The sound of a film in several sizes is so encoded once. Each file is byte for byte what it would
be as an output of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.process.video.ffmpeg.branch import File

# tee says neither that its files take pictures at any distance, nor that they want the encoders'
# headers in front: all of ours do. Of several pictures, ffmpeg takes one for the usual one.
_EACH = ("-fps_mode", "vfr", "-flags:v", "+global_header", "-disposition:v", "default")
_SOUND = ("-flags:a", "+global_header")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one file.

    Attributes:
        source: what is mapped: a stream of the film, or a label of the graph.
        options: their codec and how it is set, as pairs.
    """

    source: str
    options: tuple[str, ...]
    file: File


def tee(pictures: Sequence[Pictures], sound: str) -> tuple[str, ...]:
    """The output's options, for files that all have the same streams beside their pictures.

    Args:
        sound: the label of decoded sound, for those that have any.
    """
    beside = pictures[0].file.beside
    return (
        *(a for one in pictures for a in ("-map", one.source)),
        *(a for place, one in enumerate(pictures) for a in _of_stream(one.options, place)),
        *(("-map", sound, "-disposition:a", "default") if beside.sound else ()),
        *_EACH,
        *beside.options,
        *(_SOUND if beside.options else ()),
        *("-f", "tee", "|".join(_part(one.file, place) for place, one in enumerate(pictures))),
    )


def _of_stream(options: Sequence[str], place: int) -> tuple[str, ...]:
    """The options, which are those of all pictures, as those of one stream of them."""
    pairs = zip(options[::2], options[1::2], strict=True)
    return tuple(a for key, value in pairs for a in (f"{key.removesuffix(':v')}:v:{place}", value))


def _part(file: File, place: int) -> str:
    """One file: its pictures, and all sound and captions."""
    # The quotes are tee's: within them a colon does not end the value.
    options = (rf"select=\'v:{place},a,s\'", f"f={file.container}", *file.options)
    return f"[{':'.join(options)}]file:{file.name}"

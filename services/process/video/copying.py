"""What of a film is already as it would become, and so is copied instead of encoded. Pure."""

from services.process.video.ffmpeg.codecs import CODECS, CodecName
from services.process.video.film import Film

# A film of more bits for each pixel is encoded even if all else is as it should be. At x264's
# crf 23, films have about a third of this.
_BITS_PER_PIXEL = 0.25
_SOUND_MOST = 1.25  # of the bit rate that is wanted: encoders do not keep to it closely
_SOUND_RATE = 48000
# The others do not tell the time of every picture, and a copy has the holes of a damaged stream.
COPIED_FROM = frozenset({"mov", "matroska"})


def pictures_fit(
    film: Film, codec: CodecName, size: tuple[int, int], max_fps: float | None
) -> bool:
    """Whether the film's pictures are what would be made of them, but for the crf."""
    most = _BITS_PER_PIXEL * film.width * film.height * film.frame_rate
    return (
        (film.width, film.height) == size
        and film.video_codec == codec
        and film.container in COPIED_FROM
        and film.pixel_format == "yuv420p"
        and film.plain
        and not film.interlaced
        and film.transfer is None
        and film.frame_rate > 0
        and not (max_fps and film.faster_than(max_fps))
        and 0 < _bits_of_pictures(film) <= most
    )


def _bits_of_pictures(film: Film) -> int:
    """Bits per second; where the file does not tell, all that is not known to be sound."""
    return film.video_bit_rate or film.bit_rate - sum(sound.bit_rate for sound in film.sounds)


def sound_fits(film: Film, codec: CodecName, kbps: int) -> bool:
    """Whether the film's sound is what would be made of it, or mono, beside pictures in `codec`."""
    sound = film.sound(film.audio_stream)
    return (
        sound is not None
        and film.container in COPIED_FROM
        and (sound.codec, sound.profile) in CODECS[codec].sound_kinds
        and sound.channels <= 2
        and sound.rate <= _SOUND_RATE
        and 0 < sound.bit_rate <= _SOUND_MOST * 1000 * kbps
    )

"""Silence where a film's sound begins late or has gaps, so that it stays in step. Pure.

ffmpeg's filter for that, aresample, makes all the silence of a gap at once: an hour of stereo takes
over a gigabyte. So it only gets gaps of seconds: into longer ones silence is laid before, piece by
piece. A piece takes part in the order of things later than it is to be heard. If no sound has
come until then, there is room for it.

Where sound changes its channels, as television's does, ffmpeg makes all filters anew. The new ones
do not know what was before. By the time of the first sound that they get they can tell that the
film's beginning is not theirs to fill.
"""

from services.process.video.film import Sound

_PIECE_SECONDS = 5
# A piece, and more than the tenth of a second below which aresample makes nothing up.
_LATER = "(S/SR+0.2)/TB"
# From the beginning of sound to the next piece: no frame of sound is longer than 8.2 s (65535
# samples of FLAC at 8 kHz). And less than aresample gives out for each piece, which is four of them.
_PAUSE_SECONDS = 14
_USUAL_RATE = 48000
_ASTRAY_SECONDS = 0.25  # by which a track may seem to begin earlier than it does
_FAR_SECONDS = 10**9  # later than any film
_FILLED = "aresample=async=1"


def filled(stream: int, sound: Sound | None, *filters: str, from_start: bool = True) -> str:
    """A film's sound without gaps, behind `filters`, as `Branch.chain` has it.

    Args:
        stream: its number in the film; `sound` is what is known of it.
        from_start: whether silence is laid in front of it as well, from the film's beginning on.
    """
    begins = sound.begins if sound else None
    first = "1" if begins is None else f"lt(STARTT,{begins + _ASTRAY_SECONDS:.6f})"
    room = f"gt(t-prev_selected_t,{_PAUSE_SECONDS})"
    if from_start:
        room += "+isnan(prev_selected_t)"
    laid = (
        "[{sink}heard][{sink}silence]ainterleave=duration=first",
        f"aselect='if(mod(pts,2),{room},1)'",
        f"asetpts='PTS-mod(PTS,2)*{_LATER}'",
        _filled_from_start(first) if from_start else _FILLED,
        *filters,
    )
    # Times are in microseconds, since ainterleave writes no others: odd ones for silence.
    return (
        f"[{{input}}:{stream}]asettb=AVTB,asetpts='2*round(PTS/2)',asplit[{{sink}}heard][{{sink}}one];"
        f"[{{sink}}one]{_silence(first, sound)}[{{sink}}silence];"
        f"{','.join(laid)}[{{sink}}]"
    )


def sampling_rate(sound: Sound | None) -> int:
    """Samples in a second; a usual number where the file does not tell."""
    return (sound.rate if sound else 0) or _USUAL_RATE


def _silence(first: str, sound: Sound | None) -> str:
    """Pieces without end, of the kind of the sound: not of any that would have to be mixed.

    Args:
        first: tells whether the sound is the track's first.
    """
    samples = _PIECE_SECONDS * sampling_rate(sound)
    return (
        f"atrim=end_sample=1,asetpts='if({first},0,PTS)',apad=packet_size={samples}"
        f",atrim=start_sample=1,asetpts='2*floor((PTS+{_LATER})/2)+1'"  # without that sample
    )


def _filled_from_start(first: str) -> str:
    """Two ways, of which one ends at once; each begins with the same sound."""
    return (
        "asplit[{sink}front][{sink}on];"
        f"[{{sink}}front]{_only_if(first)},{_FILLED}:first_pts=0,asettb=AVTB[{{sink}}begun];"
        f"[{{sink}}on]{_only_if(f'not({first})')},{_FILLED},asettb=AVTB[{{sink}}gone];"
        "[{sink}begun][{sink}gone]ainterleave"
    )


def _only_if(condition: str) -> str:
    """Filters that let all through, or end at once."""
    return f"asetpts='PTS+not({condition})*{_FAR_SECONDS}/TB',atrim=end={_FAR_SECONDS}"

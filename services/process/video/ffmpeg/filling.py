"""Silence where a film's sound begins late or has gaps, so that it stays in step. Pure.

ffmpeg's filter for that, aresample, makes all the silence of a gap at once: an hour of stereo takes
over a gigabyte. So it only gets gaps of seconds: into longer ones silence is laid before, piece by
piece. A piece takes part in the order of things later than it is to be heard. If no sound has
come until then, there is room for it.
"""

_PIECE_SECONDS = 5
# A piece, and more than the tenth of a second below which aresample makes nothing up.
_LATER_SECONDS = _PIECE_SECONDS + 0.2
# From the beginning of sound to the next piece: no frame of sound is longer than 8.2 s (65535
# samples of FLAC at 8 kHz). And less than aresample gives out for each piece, which is four of them.
_PAUSE_SECONDS = 14
_FILLED = "aresample=async=1"


def filled(stream: int, *filters: str, from_start: bool = True) -> str:
    """A film's sound without gaps, behind `filters`, as `Branch.chain` has it.

    Args:
        from_start: whether silence is laid in front of it as well, from the film's beginning on.
    """
    # Times are in microseconds, since ainterleave writes no others: odd ones for silence.
    silence = (
        "anullsrc=cl=mono",
        f"asetnsamples=n={44100 * _PIECE_SECONDS}",
        "aresample",  # to the kind of the sound, here and not behind the times
        "asettb=AVTB",
        f"asetpts='2*floor((PTS+{_LATER_SECONDS}/TB)/2)+1'",
    )
    room = f"gt(t-prev_selected_t,{_PAUSE_SECONDS})"
    if from_start:
        room += "+isnan(prev_selected_t)"
    joined = (
        "ainterleave=duration=first",
        f"aselect='if(mod(pts,2),{room},1)'",
        f"asetpts='PTS-mod(PTS,2)*{_LATER_SECONDS}/TB'",
        f"{_FILLED}:first_pts=0" if from_start else _FILLED,
        "asetnsamples=n=4096:p=0",  # encoders take no frames of seconds
        *filters,
    )
    return (
        f"{','.join(silence)}[{{sink}}silence];"
        f"[{{input}}:{stream}]asettb=AVTB,asetpts='2*round(PTS/2)'[{{sink}}sound];"
        f"[{{sink}}sound][{{sink}}silence]{','.join(joined)}[{{sink}}]"
    )

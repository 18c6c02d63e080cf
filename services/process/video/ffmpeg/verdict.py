"""Why ffmpeg failed: from how it ended and what it said to one of our errors. Pure."""

import re
import signal

from services.process.child import CRASHES
from shared.errors import (
    CorruptMedia,
    EngineUnavailable,
    MillraceError,
    SourceTooLarge,
    TimeLimit,
    UnsupportedMedia,
    WorkspaceFull,
)

_OURS = re.compile(
    r"Unknown encoder|Unrecognized option|Option .* not found|No such filter"
    r"|Resource temporarily unavailable|Permission denied|No such file|cannot open shared object"
)
_GENERAL = re.compile(
    r"^(Conversion failed|Error opening|Error while|Error submitting|Task finished|Terminating"
    r"|Nothing was written|Could not write header)"
)
_OF_GOOD_FILMS = re.compile(  # up to 7, of every FLV with AAC
    r"PARAM_CHANGE side data was sent to it|Error applying parameter changes"
)
_CONTEXT = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] ?")  # [mov,mp4 @ 0x55d0c0ffee00]
_PATH = re.compile(r"'?file:/\S*?(?='|:?(?:\s|$))'?:? ?")


def verdict(code: int, said: str) -> MillraceError:
    """The error for an ffmpeg that ended with `code` (negative: a signal) and `said` that."""
    if code < 0:
        return _killed(-code)
    if "No space left on device" in said:
        return WorkspaceFull("The work directory has no room for the film's renditions.")
    if "File too large" in said:
        return SourceTooLarge(_TOO_LARGE)
    if "Cannot allocate memory" in said:
        return UnsupportedMedia("Processing the film needs more memory than is allowed.")
    if _OURS.search(said):
        return EngineUnavailable(f"ffmpeg cannot work: {summary(said)}.")
    return CorruptMedia(f"The film is damaged: {summary(said)}.")


def complaints(said: str) -> str:
    """What ffmpeg `said`, without the lines that versions of it have for films that are whole."""
    return "".join(
        line for line in said.splitlines(keepends=True) if not _OF_GOOD_FILMS.search(line)
    )


def summary(said: str) -> str:
    """The line that tells most, without addresses and paths of this machine."""
    lines = [line for raw in said.splitlines() if (line := _plain(raw))]
    telling = [line for line in lines if not _GENERAL.match(line)]
    return (telling or lines or ["ffmpeg gave no reason"])[0]


_TOO_LARGE = "A file made from the film would be larger than allowed."


def _killed(number: int) -> MillraceError:
    if number == signal.SIGXCPU:
        return TimeLimit("Encoding the film used more CPU time than allowed.")
    if number == signal.SIGXFSZ:
        return SourceTooLarge(_TOO_LARGE)
    if number in CRASHES:
        return CorruptMedia(f"The film made ffmpeg crash (signal {number}).")
    return EngineUnavailable(f"ffmpeg was killed by signal {number}.")


def _plain(line: str) -> str:
    return _PATH.sub("", _CONTEXT.sub("", line)).strip().rstrip(".!")[:200]

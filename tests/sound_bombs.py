"""Files of sound made to harm: what they say of themselves is far from what they hold."""

import struct
from collections.abc import Callable

_SILENCE = bytes(16_000)


def wave(channels: int = 1, rate: int = 8000, said: int = len(_SILENCE)) -> bytes:
    """Sound in PCM of 16 bits whose header says `said` bytes."""
    told = (1, channels, rate, min(2**32 - 1, rate * 2 * channels), 2 * channels & 0xFFFF, 16)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, *told)
    return b"RIFF\xff\xff\xff\x7fWAVE" + form + b"data" + struct.pack("<I", said) + _SILENCE


def _synchsafe(number: int) -> bytes:
    """28 bits in four bytes, as ID3 writes sizes."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def tagged(frames: bytes, said: int | None = None) -> bytes:
    """A tag of ID3 2.4, and the heads of some frames of MP3 behind it."""
    size = len(frames) if said is None else said
    return b"ID3\4\0\0" + _synchsafe(size) + frames + (b"\xff\xfb\x90\x64" + bytes(413)) * 20


def _frame(name: bytes, content: bytes, said: int | None = None) -> bytes:
    return name + _synchsafe(len(content) if said is None else said) + b"\0\0" + content


def flac(samples: int, more: bytes = b"") -> bytes:
    """A stream that says how many samples it has, and then holds none."""
    told = 44_100 << 44 | 1 << 41 | 15 << 36 | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + told.to_bytes(8) + bytes(16)
    last = b"\0" if more else b"\x80"
    return b"fLaC" + last + len(info).to_bytes(3) + info + more + bytes(4000)


_MOST = 2**28 - 1
_COVER = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n"

SOUNDS: dict[str, Callable[[], bytes]] = {
    "wave, 65535 channels": lambda: wave(channels=65535),
    "wave, 2^32-1 samples a second": lambda: wave(rate=2**32 - 1),
    "wave, 4 GiB declared": lambda: wave(said=2**32 - 1),
    "mp3, a cover of 256 MiB declared": lambda: tagged(_frame(b"APIC", _COVER, _MOST), _MOST),
    "mp3, 10^5 texts": lambda: tagged(_frame(b"TXXX", b"\0a\0b") * 10**5),
    "flac, 2^36-1 samples declared": lambda: flac(2**36 - 1),
    "flac, a picture of 16 MiB declared": lambda: flac(44_100, b"\x86\xff\xff\xff" + bytes(100)),
}

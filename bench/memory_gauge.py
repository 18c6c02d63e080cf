"""The resident memory of a process, as Linux counts it, in bytes."""

from pathlib import Path

_FORGET_THE_PEAK = "5"


def can_measure() -> bool:
    """Whether this system keeps count."""
    return Path("/proc/self/clear_refs").exists()


def begin(pid: int) -> int:
    """What the process holds now; its peak counts from here on."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_THE_PEAK)
    return _bytes(pid, "VmRSS")


def peak(pid: int) -> int:
    """The most that the process held since `begin`."""
    return _bytes(pid, "VmHWM")


def _bytes(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.removesuffix("kB")) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no {field}")

"""How many processor cores this process may really use."""

import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_UNLIMITED = 2**16


def usable_cores(quota: Path = _CGROUP_QUOTA) -> int:
    """The cores that the scheduler and the container's CPU quota leave; at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _granted(quota)))


def _granted(quota: Path) -> int:
    """What `cpu.max` ("200000 100000": microseconds in each period) allows, rounded up."""
    try:
        granted, period = map(int, quota.read_text().split())
    except (OSError, ValueError):  # no such file, or "max"
        return _UNLIMITED
    return -(-granted // period)

"""Installing Debian's packages without letting them start as system services."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.errors import ServerUnavailable

_POLICY = Path("/usr/sbin/policy-rc.d")
_DPKG = Path("/var/lib/dpkg")
_INSTALL = ("install", "-y", "--no-install-recommends")


def can_install() -> bool:
    """Root on a Debian or one of its children."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and _DPKG.is_dir()


def install(package: str) -> None:
    """Install `package`. Workers of one test run take turns; the later ones find it done.

    Raises:
        ServerUnavailable: apt-get cannot.
    """
    with _turn(), _no_service_starts():
        if _apt(*_INSTALL, package).returncode == 0:
            return
        # The lists of a fresh container are empty, those of an old machine name gone versions.
        _apt("update")
        last = _apt(*_INSTALL, package)
    if last.returncode != 0:
        raise ServerUnavailable(f"apt-get could not install {package}:\n{last.stdout}")


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@contextmanager
def _turn() -> Iterator[None]:
    """One at a time; apt's own lock does not cover an update followed by an install."""
    descriptor = os.open(_DPKG, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian asks /usr/sbin/policy-rc.d before it starts a service; 101 says no."""
    if _POLICY.exists():  # someone's own policy: not ours to change
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)

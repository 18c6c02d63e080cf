"""The pinned requirements can be installed from anywhere, and from nowhere else than asked for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_registry_is_named(path: Path) -> None:
    """An option for the whole file begins a line; hashes, which belong to a package, do not."""
    assert not re.search(r"://|^-", path.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_package_is_pinned_and_hashed(path: Path) -> None:
    packages = re.split(r"^(?=[A-Za-z0-9])", path.read_text(), flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ ", package), package
        assert "--hash=sha256:" in package, package


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_runs_is_the_same_everywhere(path: Path) -> None:
    runtime = (ROOT / "requirements.txt").read_text()
    assert _pins(runtime) <= _pins(path.read_text())


def _pins(text: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s;\\]+", text, flags=re.MULTILINE))

import asyncio
import hashlib
import os
import socket
from pathlib import Path

import pytest

from services.download.local import LocalSource, open_under, path_of
from services.download.settings import DownloadSettings
from shared.errors import SourceForbidden, SourceMissing, SourceTooLarge
from tests.unit.services.download.work import FolderWork


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "photo.jpg").write_bytes(b"photo")
    (tmp_path / "secret").write_bytes(b"secret")
    return root


@pytest.fixture
def source(root: Path) -> LocalSource:
    return LocalSource(DownloadSettings(source_roots=(root,), max_download_bytes=1000))


async def refused(source: LocalSource, path: Path, target: Path, work: FolderWork) -> str:
    with pytest.raises(SourceForbidden) as caught:
        await source.fetch(path.as_uri(), target, work)
    assert not target.exists() or target.read_bytes() == b""
    return str(caught.value)


async def test_a_file_under_a_root_is_copied(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    fetched = await source.fetch((root / "inner" / "photo.jpg").as_uri(), target, work)
    assert target.read_bytes() == b"photo"
    assert (fetched.size, fetched.sha256) == (5, hashlib.sha256(b"photo").hexdigest())
    assert work.percents[-1] == 100.0
    assert not target.samefile(root / "inner" / "photo.jpg")


@pytest.mark.parametrize("name", ["a b.jpg", "100%.jpg", "what?#.jpg", "ü.jpg", "new\nline", "%41"])
async def test_any_name_can_be_spelt(
    source: LocalSource, root: Path, target: Path, work: FolderWork, name: str
) -> None:
    (root / name).write_bytes(name.encode())
    await source.fetch((root / name).as_uri(), target, work)
    assert target.read_bytes() == name.encode()


async def test_a_file_of_many_chunks_is_copied(root: Path, target: Path, work: FolderWork) -> None:
    content = os.urandom(3_500_000)
    (root / "big").write_bytes(content)
    source = LocalSource(DownloadSettings(source_roots=(root,)))
    fetched = await source.fetch((root / "big").as_uri(), target, work)
    assert target.read_bytes() == content
    assert fetched.sha256 == hashlib.sha256(content).hexdigest()
    assert work.percents == sorted(work.percents)


async def test_what_lies_outside_is_refused_and_named(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    message = await refused(source, root.parent / "secret", target, work)
    assert str(root.parent / "secret") in message
    await refused(source, Path("/etc/passwd"), target, work)
    await refused(source, Path("/does/not/exist"), target, work)
    await refused(source, root.parent / (root.name + "ed") / "x", target, work)


async def test_without_roots_nothing_is_open(root: Path, target: Path, work: FolderWork) -> None:
    source = LocalSource(DownloadSettings(source_roots=()))
    await refused(source, root / "inner" / "photo.jpg", target, work)


async def test_links_may_lead_inside_but_not_outside(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    (root / "out").symlink_to(root.parent / "secret")
    (root / "up").symlink_to(root.parent)
    await refused(source, root / "out", target, work)
    await refused(source, root / "up" / "secret", target, work)
    (root / "in").symlink_to(root / "inner")
    await source.fetch((root / "in" / "photo.jpg").as_uri(), target, work)
    assert target.read_bytes() == b"photo"


async def test_a_root_may_itself_be_reached_by_a_link(
    root: Path, tmp_path: Path, target: Path, work: FolderWork
) -> None:
    (tmp_path / "alias").symlink_to(root)
    source = LocalSource(DownloadSettings(source_roots=(tmp_path / "alias",)))
    await source.fetch((tmp_path / "alias" / "inner" / "photo.jpg").as_uri(), target, work)
    assert target.read_bytes() == b"photo"


async def test_only_regular_files_are_read(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    for name in ("inner", "pipe", "socket", ""):
        async with asyncio.timeout(5):
            assert "no regular file" in await refused(source, root / name, target, work)


# The kernel lets only root make devices. Pipes and sockets, tested above, are refused by the same
# look at what the file is.
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
async def test_devices_are_refused(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    try:
        os.mknod(root / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        # A container may keep even root from it.
        pytest.skip("no devices can be made here")
    assert "no regular file" in await refused(source, root / "zero", target, work)


async def test_a_missing_file_is_named(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    for path in (root / "none.jpg", root / "inner" / "photo.jpg" / "x", root / ("n" * 300)):
        with pytest.raises(SourceMissing) as caught:
            await source.fetch(path.as_uri(), target, work)
        assert path.name[:90] in str(caught.value)


async def test_a_large_file_is_refused_before_it_is_copied(
    source: LocalSource, root: Path, target: Path, work: FolderWork
) -> None:
    (root / "large").write_bytes(b"x" * 1001)
    with pytest.raises(SourceTooLarge):
        await source.fetch((root / "large").as_uri(), target, work)
    assert target.read_bytes() == b""


def test_a_folder_swapped_for_a_link_after_the_check_gains_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.path.realpath

    def swap_after_resolving(path: Path) -> str:
        resolved = real(path)
        (root / "inner").rename(root / "moved")
        (root / "inner").symlink_to(root.parent)
        return resolved

    (root / "inner" / "secret").write_bytes(b"decoy")
    monkeypatch.setattr(os.path, "realpath", swap_after_resolving)
    with pytest.raises((SourceForbidden, SourceMissing)):
        open_under(root / "inner" / "secret", (root,))


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///a/b", "/a/b"),
        ("FILE:///a/b", "/a/b"),
        ("file:/a/b", "/a/b"),
        ("file://localhost/a", "/a"),
        ("file:///a%20b%3F", "/a b?"),
        ("file:///a b", "/a b"),
    ],
)
def test_addresses_that_name_a_path(address: str, path: str) -> None:
    assert path_of(address) == Path(path)


@pytest.mark.parametrize(
    "address",
    [
        "file://",
        "file:",
        "file:a/b",
        "file://host/a",
        "file://127.0.0.1/a",
        "file:///a/../b",
        "file:///a/%2e%2e/b",
        "file:///a%2F..%2Fb",
        "file:///..",
        "file:///a\0b",
        "file:///a%00b",
        "file:///a?b",
        "file:///a#b",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(SourceForbidden, match=r"^source: "):
        path_of(address)

"""What is the file system's own; the rest is in the contract."""

import hashlib
import os
from pathlib import Path

import pytest

from shared.errors import ObjectExists, StorageUnavailable
from shared.storage.base import Intent, Owner
from shared.storage.filesystem import FilesystemStorage

KEY = "users/42/small.webp"
RUN = Owner(job_id="job", run=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def storage(root: Path) -> FilesystemStorage:
    return FilesystemStorage(root)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo"
    path.write_bytes(b"a photo")
    return path


async def put(
    storage: FilesystemStorage,
    key: str,
    source: Path,
    *,
    owner: Owner = RUN,
    overwrite: bool = False,
) -> list[Intent]:
    intents: list[Intent] = []
    await storage.put(
        key,
        source,
        media_type="image/webp",
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        owner=owner,
        journal=intents.append,
        overwrite=overwrite,
    )
    return intents


async def test_the_temporary_name_is_the_proof(
    storage: FilesystemStorage, root: Path, photo: Path
) -> None:
    (intent,) = await put(storage, KEY, photo)
    assert intent.token is not None
    assert intent.token.startswith("job.1.")
    assert (root / ".millrace" / intent.token).samefile(root / KEY)
    await storage.settle(intent, RUN)
    assert list((root / ".millrace").iterdir()) == []
    await storage.rollback(intent, RUN)
    assert (root / KEY).exists(), "nothing proves any more that it is ours"


async def test_anothers_file_in_the_place_of_ours_stays(
    storage: FilesystemStorage, root: Path, photo: Path
) -> None:
    (intent,) = await put(storage, KEY, photo)
    (root / KEY).unlink()
    (root / KEY).write_bytes(b"another's")
    await storage.rollback(intent, RUN)
    assert (root / KEY).read_bytes() == b"another's"
    assert list((root / ".millrace").iterdir()) == []


async def test_a_half_written_temporary_file_goes(storage: FilesystemStorage, root: Path) -> None:
    await storage.check()
    (root / ".millrace" / "job.1.00").write_bytes(b"half")
    await storage.rollback(Intent(key=KEY, token="job.1.00"), RUN)
    assert list((root / ".millrace").iterdir()) == []


@pytest.mark.parametrize("token", ["other.1.00", "job.10.00", "../victim", "job.1./../../victim"])
async def test_a_token_that_is_not_ours_is_left_alone(
    storage: FilesystemStorage, root: Path, token: str
) -> None:
    await storage.check()
    (root / "victim").touch()
    for name in ("other.1.00", "job.10.00"):
        (root / ".millrace" / name).touch()
    await storage.settle(Intent(key="victim", token=token), RUN)
    await storage.rollback(Intent(key="victim", token=token), RUN)
    assert (root / "victim").exists()
    assert len(list((root / ".millrace").iterdir())) == 2


async def test_a_rollback_leaves_no_empty_folders(
    storage: FilesystemStorage, root: Path, photo: Path
) -> None:
    await put(storage, "users/1/kept.webp", photo, owner=Owner(job_id="other", run=1))
    (intent,) = await put(storage, "users/42/a/b.webp", photo)
    await storage.rollback(intent, RUN)
    assert sorted(path.name for path in (root / "users").iterdir()) == ["1"]


@pytest.mark.parametrize("folder", ["users", "users/42"])
async def test_a_rollback_removes_the_folders_of_a_put_that_was_killed(
    storage: FilesystemStorage, root: Path, folder: str
) -> None:
    """Folders are made before the name: a kill between the two leaves them empty."""
    (root / folder).mkdir(parents=True)
    await storage.rollback(Intent(key=KEY, token="job.1.00"), RUN)
    assert not (root / "users").exists()


async def test_a_rollback_leaves_the_folders_that_others_use(
    storage: FilesystemStorage, root: Path, photo: Path
) -> None:
    await put(storage, "users/other.webp", photo)
    (root / "users/42").mkdir()
    await storage.rollback(Intent(key=KEY, token="job.1.00"), RUN)
    assert [path.name for path in (root / "users").iterdir()] == ["other.webp"]


@pytest.mark.parametrize("key", ["link/file", "link/below/file", "plain/file"])
async def test_nothing_goes_through_a_link_or_a_file(
    storage: FilesystemStorage, root: Path, photo: Path, tmp_path: Path, key: str
) -> None:
    (tmp_path / "outside" / "below").mkdir(parents=True)
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    await storage.check()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "plain").touch()
    with pytest.raises(ObjectExists, match="symbolic link"):
        await put(storage, key, photo)
    assert await storage.stat(key) is None
    await storage.delete(key)
    with pytest.raises(FileNotFoundError):
        await storage.get(key, tmp_path / "target", limit_bytes=100)
    assert (tmp_path / "outside" / "file").read_bytes() == b"secret"
    assert [stored.key async for stored in storage.list()] == ["plain"]
    assert not list((root / ".millrace").iterdir())


async def test_a_link_is_no_object(
    storage: FilesystemStorage, root: Path, photo: Path, tmp_path: Path
) -> None:
    await storage.check()
    (root / "link").symlink_to(photo)
    os.mkfifo(root / "pipe")
    for key in ("link", "pipe"):
        assert await storage.stat(key) is None
        with pytest.raises(FileNotFoundError):
            await storage.get(key, tmp_path / "target", limit_bytes=100)
        with pytest.raises(ObjectExists):
            await put(storage, key, photo)
    assert [stored.key async for stored in storage.list()] == []


async def test_a_folder_in_the_place_of_an_object(storage: FilesystemStorage, photo: Path) -> None:
    await put(storage, "a/b", photo)
    with pytest.raises(ObjectExists):
        await put(storage, "a", photo)
    with pytest.raises(ObjectExists):
        await put(storage, "a", photo, overwrite=True)
    await storage.delete("a")
    assert [stored.key async for stored in storage.list()] == ["a/b"]


async def test_a_missing_root_is_not_an_empty_storage(
    storage: FilesystemStorage, photo: Path, root: Path, tmp_path: Path
) -> None:
    """A volume that is not mounted must not look as if all had been deleted."""
    with pytest.raises(StorageUnavailable, match=str(root)):
        await storage.stat(KEY)
    with pytest.raises(StorageUnavailable):
        await storage.get(KEY, tmp_path / "target", limit_bytes=100)
    with pytest.raises(StorageUnavailable):
        await storage.rollback(Intent(key=KEY, token="job.1.00"), RUN)
    with pytest.raises(StorageUnavailable):
        [stored async for stored in storage.list()]
    assert not root.exists()
    await put(storage, KEY, photo)
    assert (root / KEY).exists()


async def test_a_root_that_cannot_be_made(photo: Path) -> None:
    storage = FilesystemStorage(photo / "below")
    with pytest.raises(StorageUnavailable, match="photo/below"):
        await storage.check()
    with pytest.raises(StorageUnavailable):
        await put(storage, KEY, photo)


async def test_closing_leaves_no_private_folder_unless_it_is_needed(
    storage: FilesystemStorage, root: Path, photo: Path
) -> None:
    (intent,) = await put(storage, KEY, photo)
    await storage.close()
    assert (root / ".millrace").exists()
    await storage.settle(intent, RUN)
    await storage.close()
    assert not (root / ".millrace").exists()
    assert (root / KEY).exists()


async def test_closing_makes_nothing_to_remove_it_again(
    storage: FilesystemStorage, root: Path
) -> None:
    await storage.close()
    assert not root.exists()

    root.mkdir()
    os.utime(root, (1, 1))
    await storage.close()
    assert root.stat().st_mtime == 1


async def test_closing_goes_well_where_the_folder_went_meanwhile(
    storage: FilesystemStorage, root: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda _: True)

    await storage.close()
    assert not root.exists()

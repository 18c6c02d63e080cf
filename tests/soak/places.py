"""Where a lane keeps things: its work directory and its storage, and what lies there."""

import asyncio
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3

from shared.storage.keys import PRIVATE
from tests.servers.s3 import REGION, credentials

_ROOT = {"volume", "jobs", "closed", "trash", "sweep.json"}


class Shop(Protocol):
    """A storage, seen from outside."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The variables by which services find it."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """The objects whose keys begin so: key → bytes."""
        ...

    def digest(self, key: str) -> str:
        """The SHA-256 of an object's content."""
        ...

    def unfinished(self) -> list[str]:
        """What is no object: temporary names, multipart uploads."""
        ...


class FolderShop:
    """`STORAGE_MODE=local`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.settings = {"STORAGE_MODE": "local", "UPLOAD_PATH": str(root)}

    def sizes(self, prefix: str) -> dict[str, int]:
        folder = self._root / prefix
        return {
            str(Path(base, name).relative_to(self._root)): Path(base, name).stat().st_size
            for base, folders, names in os.walk(folder)
            if PRIVATE not in Path(base).parts[len(self._root.parts) :]
            for name in names
        }

    def digest(self, key: str) -> str:
        return hashlib.sha256((self._root / key).read_bytes()).hexdigest()

    def unfinished(self) -> list[str]:
        empty = [base for base, folders, names in os.walk(self._root) if not folders + names]
        private = self._root / PRIVATE
        left = [path.name for path in private.iterdir()] if private.is_dir() else []
        return left + [path for path in empty if Path(path) not in (self._root, private)]


class BucketShop:
    """`STORAGE_MODE=s3`.

    Args:
        url: of the service as the stages reach it; `endpoint` is how we do.
    """

    def __init__(self, endpoint: str, url: str, name: str) -> None:
        key_id, secret = credentials()
        self._bucket: Any = boto3.resource(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        ).Bucket(name)
        self._bucket.create()
        self.settings = {
            "STORAGE_MODE": "s3",
            "S3_ENDPOINT_URL": url,
            "S3_REGION": REGION,
            "S3_BUCKET_NAME": name,
            "S3_ACCESS_KEY_ID": key_id,
            "S3_SECRET_ACCESS_KEY": secret,
            "S3_PART_BYTES": str(5 << 20),
        }

    def sizes(self, prefix: str) -> dict[str, int]:
        return {found.key: found.size for found in self._bucket.objects.filter(Prefix=prefix)}

    def digest(self, key: str) -> str:
        return hashlib.sha256(self._bucket.Object(key).get()["Body"].read()).hexdigest()

    def unfinished(self) -> list[str]:
        return [f"{one.object_key} {one.id}" for one in self._bucket.multipart_uploads.all()]


@dataclass(frozen=True)
class Places:
    """One lane's places.

    Attributes:
        work: `TEMP_DIR/<prefix>`.
    """

    work: Path
    shop: Shop

    def left_of(self, name: str) -> list[str]:
        """What lies in the work directory of one run."""
        job = [f"jobs/{name}"] if (self.work / "jobs" / name).exists() else []
        trash = [
            f"trash/{one}" for one in _names(self.work / "trash") if one.startswith(f"{name}.")
        ]
        return job + trash

    def left(self) -> list[str]:
        """What lies there of any job."""
        return [
            f"{where}/{name}" for where in ("jobs", "trash") for name in _names(self.work / where)
        ]

    def receipts(self) -> set[str]:
        """The names of the runs that have one."""
        return {name.removesuffix(".json") for name in _names(self.work / "closed")}

    def strangers(self) -> list[str]:
        """What has no right to be in the work directory's root."""
        return [name for name in _names(self.work) if name not in _ROOT]

    async def misplaced(
        self, name: str, job: str, results: Iterable[Mapping[str, Any]]
    ) -> list[str]:
        """What is wrong on the disk and in the storage when a run has just ended."""
        own = f"{job}/"
        stored = await asyncio.to_thread(self.shop.sizes, own)
        mine = [result for result in results if result["key"].startswith(own)]
        theirs = {key for result in mine for key in objects_of(result, stored)}
        found = [f"{path} is there" for path in self.left_of(name)]
        found += [f"{key} is stored" for key in stored.keys() - theirs]
        found += [f"{result['key']} is not whole" for result in mine if not whole(result, stored)]
        return found


def objects_of(result: Mapping[str, Any], stored: Mapping[str, int]) -> set[str]:
    """The keys of a result: its own, or those of a set, which share its folder."""
    if not result.get("files"):
        return {result["key"]}
    folder, _, _ = result["key"].rpartition("/")
    return {key for key in stored if key.startswith(f"{folder}/")}


def whole(result: Mapping[str, Any], stored: Mapping[str, int]) -> bool:
    """Whether all objects of a result are there, with all their bytes."""
    objects = objects_of(result, stored)
    size = sum(stored.get(key, 0) for key in objects)
    if result.get("files"):
        return (len(objects), size) == (result["files"], result["totalSize"])
    return size == int(result["size"])


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []

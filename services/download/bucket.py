"""Sources in S3 buckets that the operator opened."""

import asyncio
import hashlib
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import unquote

from services.download.settings import DownloadSettings
from services.download.source import Fetched, shown
from shared.errors import InvalidJob, SourceForbidden, SourceMissing, SourceTooLarge
from shared.storage.base import Storage
from shared.work import Work

OpenBucket = Callable[[str], Storage]


class BucketSource:
    """`s3://bucket/key` addresses. See `Source` for the errors.

    Args:
        open_bucket: makes the storage of a bucket; called once for each.
        buckets: the names of those that may be read.
    """

    def __init__(
        self, open_bucket: OpenBucket, buckets: Collection[str], settings: DownloadSettings
    ) -> None:
        self._open_bucket = open_bucket
        self._buckets = buckets
        self._limit = settings.max_download_bytes
        self._opened: dict[str, Storage] = {}

    async def fetch(self, address: str, target: Path, work: Work) -> Fetched:
        bucket, key = parse(address)
        storage = self._storage(bucket)
        try:
            await work.reserve(await self._size(storage, key))
            await storage.get(key, target, limit_bytes=self._limit)
        except FileNotFoundError:
            raise SourceMissing(
                f"source: there is no object {shown(key)} in bucket {bucket}"
            ) from None
        except InvalidJob as error:
            raise SourceForbidden(f"source: {error}") from error
        with work.opened(work.relative(target)) as file:
            fetched = await asyncio.to_thread(_digest, file)
        work.spent.downloaded_bytes += fetched.size
        work.progress(100.0, bytes=fetched.size, total=fetched.size)
        return fetched

    async def aclose(self) -> None:
        """Let go of the buckets' connections."""
        while self._opened:
            _, storage = self._opened.popitem()
            await storage.close()

    def _storage(self, bucket: str) -> Storage:
        if bucket not in self._buckets:
            raise SourceForbidden(
                f"source: bucket {shown(bucket)} may not be read (SOURCE_BUCKETS)"
            )
        if bucket not in self._opened:
            self._opened[bucket] = self._open_bucket(bucket)
        return self._opened[bucket]

    async def _size(self, storage: Storage, key: str) -> int:
        stored = await storage.stat(key)
        if stored is None:
            raise FileNotFoundError(key)
        if stored.size > self._limit:
            raise SourceTooLarge(
                f"source: has more than the {self._limit} bytes allowed (MAX_DOWNLOAD_BYTES)"
            )
        return stored.size


def parse(address: str) -> tuple[str, str]:
    """The bucket and the key that an `s3:` address names.

    Raises:
        SourceForbidden: it is not of the form `s3://bucket/key`.
    """
    bucket, _, key = address.partition(":")[2].removeprefix("//").partition("/")
    if not bucket or not key:
        raise SourceForbidden("source: an address in S3 has the form s3://bucket/key")
    return bucket, unquote(key)


def _digest(path: Path) -> Fetched:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Fetched(size=file.tell(), sha256=digest)

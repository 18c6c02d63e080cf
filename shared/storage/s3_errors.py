"""What botocore and aiohttp raise, in Millrace's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StorageUnavailable
from shared.storage.settings import Bucket

_REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_MISSING = {"404", "NoSuchKey"}
_TAKEN = {"412", "PreconditionFailed"}


class Missing(Exception):
    """There is no such object."""


class Taken(Exception):
    """There is an object already, and the request was to create one."""


class NoUpload(Exception):
    """There is no such multipart upload: it was completed or aborted."""


@contextmanager
def translated(bucket: Bucket) -> Iterator[None]:
    """Turn what the client raises into `Missing`, `Taken`, `NoUpload` or `StorageUnavailable`."""
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, bucket) from error
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise StorageUnavailable(f"{_place(bucket)} could not be reached: {error}") from error


def _from_answer(error: ClientError, bucket: Bucket) -> Exception:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code")), answer.get("Message")
    if code in _MISSING:
        return Missing(code)
    if code in _TAKEN:
        return Taken(code)
    if code == "NoSuchUpload":
        return NoUpload(code)
    if code == "NoSuchBucket":
        return StorageUnavailable(f"{_place(bucket)} does not exist")
    if code in _REFUSED:
        return StorageUnavailable(
            f"{_place(bucket)} refused {error.operation_name} with these credentials ({code})"
        )
    return StorageUnavailable(
        f"{_place(bucket)} failed on {error.operation_name}: {code} {message}"
    )


def _place(bucket: Bucket) -> str:
    return f"the bucket '{bucket.name}' at {bucket.endpoint_url or 'Amazon S3'}"

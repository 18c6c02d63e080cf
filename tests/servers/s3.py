"""An S3 API for the tests: ``S3_ENDPOINT_URL``, else moto's server as a process of its own.

``python -m tests.servers.s3`` prints the endpoint and serves until Ctrl-C.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3

from tests.servers.errors import ServerUnavailable
from tests.servers.ports import answers, free_ports, wait_until
from tests.servers.processes import PrivateProcesses

REGION = "us-east-1"
_START_SECONDS = 60.0
_REQUEST = b"GET /moto-api/ HTTP/1.0\r\n\r\n"


@contextmanager
def s3() -> Iterator[str]:
    """The endpoint of an S3 API; one that we started ends with the context."""
    if endpoint := os.environ.get("S3_ENDPOINT_URL"):
        yield endpoint
    else:
        with _moto() as endpoint:
            yield endpoint


def credentials() -> tuple[str, str]:
    """The key id and the secret for the endpoint; moto takes any."""
    return (
        os.environ.get("S3_ACCESS_KEY_ID", "test"),
        os.environ.get("S3_SECRET_ACCESS_KEY", "test"),
    )


@contextmanager
def fresh_bucket(endpoint: str) -> Iterator[Any]:
    """A bucket of boto3, gone with all that is in it afterwards."""
    key_id, secret = credentials()
    service = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )
    bucket = service.Bucket(f"millrace-{uuid4().hex}")
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    for upload in bucket.multipart_uploads.all():
        upload.abort()
    bucket.delete()


@contextmanager
def _moto() -> Iterator[str]:
    (port,) = free_ports(1)
    with PrivateProcesses("s3") as processes:
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = processes.spawn(argv, {})
        wait_until(lambda: _is_up(port) or server.poll() is not None, _START_SECONDS)
        if not _is_up(port):
            log = processes.log.read_text(errors="replace")[-4000:]
            raise ServerUnavailable(f"moto's server did not start:\n{log}")
        yield f"http://127.0.0.1:{port}"


def _is_up(port: int) -> bool:
    return answers("127.0.0.1", port, _REQUEST, b"HTTP/1.")


if __name__ == "__main__":
    from tests.servers.main import serve

    serve(s3())

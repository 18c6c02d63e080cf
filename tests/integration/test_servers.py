"""The servers that the other integration tests stand on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from tests.conftest import ROOT
from tests.servers.ports import answers, speaks_amqp, wait_until
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.servers.s3 import REGION, credentials

QUEUE_SAVED_SECONDS = 2  # see PrivateRabbitMQ.kill


async def test_a_quorum_queue_gives_back_what_was_published(amqp_url: str) -> None:
    name = f"test-{uuid4().hex}"
    async with _channel(amqp_url) as channel:
        queue = await _quorum_queue(channel, name)
        try:
            await _publish(channel, name, b"hello")
            assert await _body(queue) == b"hello"
        finally:
            await queue.delete(if_unused=False, if_empty=False)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_durable_message_survives_a_restart(
    private_rabbitmq: PrivateRabbitMQ, end: str
) -> None:
    async with _channel(private_rabbitmq.url) as channel:
        await _quorum_queue(channel, "kept")
        await _publish(channel, "kept", b"still here")
    await asyncio.sleep(QUEUE_SAVED_SECONDS)
    getattr(private_rabbitmq, end)()
    private_rabbitmq.start()
    async with _channel(private_rabbitmq.url) as channel:
        assert await _body(await channel.get_queue("kept")) == b"still here"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_private_node_ends_with_its_starter(number: signal.Signals) -> None:
    starter = _serve("tests.servers.rabbitmq")
    try:
        port = _announced_port(starter)
        assert speaks_amqp("127.0.0.1", port)
        starter.send_signal(number)
        starter.wait(30)
        assert wait_until(lambda: not speaks_amqp("127.0.0.1", port), 10)
    finally:
        _end(starter)


def test_the_s3_server_ends_with_its_starter() -> None:
    starter = _serve("tests.servers.s3")
    try:
        port = _announced_port(starter)
        starter.kill()
        starter.wait(30)
        assert wait_until(
            lambda: not answers("127.0.0.1", port, b"GET / HTTP/1.0\r\n\r\n", b"H"), 10
        )
    finally:
        _end(starter)


async def test_an_object_is_created_once(s3_endpoint: str, s3_bucket: str) -> None:
    key_id, secret = credentials()
    async with get_session().create_client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    ) as client:
        await client.put_object(Bucket=s3_bucket, Key="a/b", Body=b"first", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            await client.put_object(Bucket=s3_bucket, Key="a/b", Body=b"second", IfNoneMatch="*")
        response = await client.get_object(Bucket=s3_bucket, Key="a/b")
        assert await response["Body"].read() == b"first"


@asynccontextmanager
async def _channel(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def _quorum_queue(channel: AbstractChannel, name: str) -> AbstractQueue:
    return await channel.declare_queue(
        name, durable=True, arguments={"x-queue-type": "quorum"}, timeout=10
    )


async def _publish(channel: AbstractChannel, name: str, body: bytes) -> None:
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(message, name, timeout=10)


async def _body(queue: AbstractQueue) -> bytes:
    message = await queue.get(timeout=10)
    assert message is not None
    await message.ack()
    return message.body


def _serve(module: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {"AMQP_URL", "S3_ENDPOINT_URL"}}
    return subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def _announced_port(starter: subprocess.Popen[str]) -> int:
    assert starter.stdout is not None
    port = urlsplit(starter.stdout.readline().strip()).port
    assert port is not None, "the server did not print its address"
    return port


def _end(starter: subprocess.Popen[str]) -> None:
    if starter.poll() is None:
        starter.kill()
        starter.wait()
    if starter.stdout is not None:
        starter.stdout.close()

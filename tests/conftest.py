"""Fixtures that more than one kind of test needs."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
import structlog
from PIL import Image

from tests.processor.device import Processor
from tests.servers.errors import ServerUnavailable
from tests.servers.rabbitmq import PrivateRabbitMQ, ensure_installed, rabbitmq
from tests.servers.s3 import fresh_bucket, s3

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"

T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies under tests/integration is marked so; GPU tests need a GPU."""
    # A GPU cannot be installed. What its kernels have to compute is tested without one.
    no_gpu = pytest.mark.skip(reason="no NVIDIA GPU here")
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "integration"):
            item.add_marker(pytest.mark.integration)
        if item.get_closest_marker("gpu") and shutil.which("nvidia-smi") is None:
            item.add_marker(no_gpu)


@pytest.fixture(scope="session")
def amqp_url() -> Iterator[str]:
    """A RabbitMQ, shared by the session: use names of your own in it."""
    with _started(rabbitmq) as url:
        yield url


@pytest.fixture
def private_rabbitmq() -> Iterator[PrivateRabbitMQ]:
    """A node for this test alone, which may stop, kill and restart it."""
    with _started(_private_node) as node:
        yield node


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 API in region us-east-1, shared by the session; keys: ``tests.servers.s3``."""
    with _started(s3) as endpoint:
        yield endpoint


@pytest.fixture
def s3_bucket(s3_endpoint: str) -> Iterator[str]:
    """A fresh bucket, gone with all that is in it after the test."""
    with fresh_bucket(s3_endpoint) as bucket:
        yield bucket.name


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers in this process look, try again and reconnect without long waits."""
    monkeypatch.setattr("shared.supervisor.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("shared.outlet.PUBLISH_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("shared.broker.rabbitmq.pause", lambda: 0.05)


@pytest.fixture(scope="session")
def processor() -> Processor:
    """In a GPU's place: its kernels, compiled for this machine."""
    try:
        return Processor()
    except ServerUnavailable as error:
        missing(str(error))


@pytest.fixture(scope="session")
def examples() -> Path:
    """The photo and the film that come with the repository."""
    return ROOT / "examples"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Photos, films, tricky and hostile files; not part of the repository."""
    if not CORPUS.is_dir():
        # Others made it, and it is no part of the repository: what is promised is tested on
        # examples/ and on files that the tests make, too.
        pytest.skip("the corpus is not here: shared/corpus beside the checkout")
    return CORPUS


def missing(reason: str) -> NoReturn:
    """Skip the test here, where others can still run, and fail it in continuous integration."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def _private_node() -> PrivateRabbitMQ:
    ensure_installed()
    return PrivateRabbitMQ()


@contextmanager
def _started(server: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """Enter the server's context. Without one, skip here and fail in CI."""
    with ExitStack() as stack:
        try:
            value = stack.enter_context(server())
        except ServerUnavailable as error:
            missing(str(error))
        yield value


@pytest.fixture(autouse=True)
def pillow_as_at_first() -> Iterator[None]:
    """An engine sets its limit for its process; a test's ends with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        yield


@pytest.fixture(autouse=True)
def logs_as_at_first() -> Iterator[None]:
    """What a test makes of the process's logs ends with it."""
    yield
    structlog.reset_defaults()

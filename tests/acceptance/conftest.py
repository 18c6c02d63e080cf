"""Services that the commands speak to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.commands import Program
from tests.conftest import ROOT
from tests.servers.services import Services, services


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of SOURCE_ROOTS, empty at first."""
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="session")
def running(amqp_url: str, sources: Path) -> Iterator[Services]:
    """The four services, each a process of its own, for all tests of commands."""
    roots = f"{ROOT / 'examples'}:{sources}"
    with services(amqp_url, {"SOURCE_ROOTS": roots}) as running:
        yield running


@pytest.fixture
def millrace(running: Services, amqp_url: str, tmp_path: Path) -> Program:
    """The command, in the services' environment."""
    return Program(
        tmp_path,
        {
            "AMQP_URL": amqp_url,
            "QUEUE_PREFIX": running.lane.prefix,
            "TEMP_DIR": str(running.work),
            "UPLOAD_PATH": str(running.uploads),
        },
    )


def submitted(millrace: Program, *arguments: str | Path) -> str:
    """The id of a job that was just published."""
    ended = millrace("submit", *arguments)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.strip()

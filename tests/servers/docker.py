"""RabbitMQ in a container, where a Docker engine answers."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.errors import ServerUnavailable
from tests.servers.ports import speaks_amqp, wait_until

_IMAGE = "rabbitmq:4"
_START_SECONDS = 120.0


def docker_answers() -> bool:
    """Whether the docker command reaches an engine."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "version"], capture_output=True, timeout=15, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


@contextmanager
def rabbitmq_container() -> Iterator[str]:
    """The AMQP URL of a fresh container; testcontainers' own reaper outlives a killed test run."""
    from testcontainers.core.container import DockerContainer

    with DockerContainer(_IMAGE).with_exposed_ports(5672) as container:
        host, port = container.get_container_host_ip(), int(container.get_exposed_port(5672))
        if not wait_until(lambda: speaks_amqp(host, port), _START_SECONDS):
            raise ServerUnavailable(f"{_IMAGE} did not start in {_START_SECONDS:.0f} seconds")
        yield f"amqp://guest:guest@{host}:{port}/"

"""A RabbitMQ for the tests, from wherever one can be had.

In this order: ``AMQP_URL``; a rabbitmq-server on this machine, as a private node; Docker;
Debian's package, where we may install it. ``python -m tests.servers.rabbitmq`` prints the URL
and serves until Ctrl-C.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.docker import docker_answers, rabbitmq_container
from tests.servers.errors import ServerUnavailable
from tests.servers.install import can_install, install
from tests.servers.ports import free_ports, speaks_amqp, wait_until
from tests.servers.processes import PrivateProcesses

HOW_TO_GET_ONE = """\
The tests need a RabbitMQ, and none was found. Any one of these is enough:
  - set AMQP_URL to a running one, e.g. AMQP_URL=amqp://guest:guest@localhost/
  - install it: "apt-get install rabbitmq-server" on Debian and Ubuntu (as root the tests do that
    themselves), "brew install rabbitmq" on macOS; it need not run, the tests start their own node
  - start Docker; the tests run the image rabbitmq:4"""

# The scripts that the wrapper in /usr/sbin would start as the user rabbitmq, who cannot write
# our folders; then Homebrew's; then whatever the path has.
_SCRIPTS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
    "rabbitmq-server",
)

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 16MB
# Far more than tests need, far less than the 512 MiB of older versions' default.
raft.wal_max_size_bytes = 67108864
"""

_START_SECONDS = 90.0


class PrivateRabbitMQ:
    """A RabbitMQ node of our own: own folder, own ports, own epmd.

    The constructor returns when it accepts connections. The node never outlives this process.

    Args:
        consumer_timeout_seconds: after which a delivery that is not acknowledged is taken back;
            half an hour by default.
    """

    def __init__(self, consumer_timeout_seconds: float = 1800) -> None:
        self._consumer_timeout = int(consumer_timeout_seconds * 1000)
        self._script = _find_script()
        self._port, self._distribution_port, self._epmd_port = free_ports(3)
        self._processes = PrivateProcesses("rabbitmq")
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._write_config()
            self._start_epmd()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Stays the same over restarts."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start it, after ``kill`` or ``stop`` with all that was durable."""
        server = self._server = self._processes.spawn([self._script], self._environment())
        wait_until(lambda: self._accepts() or server.poll() is not None, _START_SECONDS)
        if not self._accepts():
            raise ServerUnavailable(f"rabbitmq-server did not start:\n{self._log_tail()}")

    def stop(self) -> None:
        """Shut it down in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash would end it; ``start`` brings it back.

        RabbitMQ 3.10 saves a quorum queue's name with a delay: one that was declared less than
        about a second before has no leader ever after, and every request to it hangs.
        """
        self._end(signal.SIGKILL)

    def control(self, *arguments: str) -> None:
        """Have `rabbitmqctl` do something on this node."""
        tool = self._script.resolve().with_name("rabbitmqctl")
        node = ["-n", self._environment()["RABBITMQ_NODENAME"]]
        environment = {**os.environ, **self._environment()}
        subprocess.run([tool, *node, *arguments], env=environment, check=True, capture_output=True)

    def restart(self) -> None:
        """Shut down in order and come back on the same ports with the same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Throw it away with all its data."""
        self._server = None
        self._processes.close()

    def _end(self, with_signal: signal.Signals) -> None:
        if self._server is not None:
            self._processes.stop(self._server, with_signal)
            self._server = None

    def _accepts(self) -> bool:
        return speaks_amqp("127.0.0.1", self._port)

    def _write_config(self) -> None:
        folder = self._processes.folder
        (folder / "rabbitmq.conf").write_text(_CONFIG.format(port=self._port))
        # How often the timeout is looked at is not to be had in rabbitmq.conf.
        limits = f"{{consumer_timeout, {self._consumer_timeout}}}, {{channel_tick_interval, 1000}}"
        (folder / "advanced.config").write_text(f"[{{rabbit, [{limits}]}}].\n")
        (folder / "enabled_plugins").write_text("[].\n")
        (folder / "rabbitmq-env.conf").touch()

    def _start_epmd(self) -> None:
        """In the foreground, as our child: the server would leave a daemon behind."""
        epmd = shutil.which("epmd")
        if epmd is not None:
            self._processes.spawn([epmd], self._environment())

    def _environment(self) -> dict[str, str]:
        folder = self._processes.folder
        return {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"millrace{self._port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            # Schedulers that spin while idle take the tests' own time away.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _log_tail(self) -> str:
        return self._processes.log.read_text(errors="replace")[-4000:]


@contextmanager
def rabbitmq() -> Iterator[str]:
    """The URL of a RabbitMQ; one that we started ends with the context."""
    if url := os.environ.get("AMQP_URL"):
        yield url
    elif is_installed():
        with PrivateRabbitMQ() as node:
            yield node.url
    elif docker_answers():
        with rabbitmq_container() as url:
            yield url
    else:
        ensure_installed()
        with PrivateRabbitMQ() as node:
            yield node.url


def is_installed() -> bool:
    """Whether this machine has a rabbitmq-server that could be started."""
    return any(shutil.which(script) for script in _SCRIPTS)


def ensure_installed() -> None:
    """Install it where we may; else say what to do."""
    if not is_installed() and can_install():
        install("rabbitmq-server")
    if not is_installed():
        raise ServerUnavailable(HOW_TO_GET_ONE)


def _find_script() -> Path:
    found = (shutil.which(script) for script in _SCRIPTS)
    script = next((path for path in found if path), None)
    if script is None:
        raise ServerUnavailable(HOW_TO_GET_ONE)
    return Path(script)


if __name__ == "__main__":
    from tests.servers.main import serve

    serve(rabbitmq())

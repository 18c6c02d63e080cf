"""`millrace --help` has to answer at once: what is heavy comes when it is needed."""

import subprocess
import sys

from tests.conftest import ROOT

HEAVY = (
    "PIL",
    "aiohttp",
    "aiobotocore",
    "aiormq",
    "asyncio",
    "orjson",
    "prometheus_client",
    "pydantic",
    "pyvips",
    "services",
    "structlog",
    "uvloop",
)
ASK = """
import sys
sys.argv = ["millrace", "--help"]
from millrace.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    command = [sys.executable, "-c", ASK]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in answer.stderr.split()}

    assert "run" in answer.stdout
    assert "typer" in loaded
    assert not loaded & {*HEAVY}

"""What the command line checks before a job exists."""

import subprocess
import sys

import pytest

from services.process.operations import validate
from shared.errors import InvalidJob
from shared.jobs import Operation


def operations(*written: object) -> tuple[Operation, ...]:
    return tuple(Operation.model_validate(one) for one in written)


@pytest.mark.parametrize("written", [["thumbnail", "blur"], ["poster"], ["web"], ["film"]])
def test_operations_of_one_kind_are_fine(written: list[str]) -> None:
    validate(operations(*written))


def test_none_are_fine() -> None:
    validate(None)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            ["blur", "nosuch"],
            "operations.1: no operation 'nosuch'. There are for a photo: avatar, ",
        ),
        ([{"op": "resize", "width": 0}], "operations.0 (resize): width: "),
        (["blur", "thumbnail", "poster"], "operations.2: no operation 'poster' for a photo"),
        (["blur", "poster", "renditions"], "operations.0: no operation 'blur' for a film"),
    ],
)
def test_what_is_wrong_is_named(written: list[object], sentence: str) -> None:
    with pytest.raises(InvalidJob) as refusal:
        validate(operations(*written))
    assert str(refusal.value).startswith(sentence)


def test_no_codec_is_loaded() -> None:
    heavy = "{'PIL', 'pyvips', 'av', 'asyncio.subprocess', 'aiohttp'} & set(sys.modules)"
    code = f"import sys, services.process.operations; sys.exit(str({heavy}) if {heavy} else 0)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr

from pathlib import Path
from typing import Any

import pytest

from millrace.cli.errors import Misuse
from millrace.cli.operations import parse, written


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        ("blur", {"op": "blur"}),
        (
            "resize:width=640,formats=webp+avif",
            {"op": "resize", "width": 640, "formats": ["webp", "avif"]},
        ),
        ("blur:radius=2.5", {"op": "blur", "radius": 2.5}),
        ("resize:name=small,fit=cover", {"op": "resize", "name": "small", "fit": "cover"}),
        ('{"op": "resize", "width": 5}', {"op": "resize", "width": 5}),
    ],
)
def test_what_is_written_becomes_an_operation(text: str, operation: dict[str, Any]) -> None:
    assert written(text) == operation


def test_presets_come_before_operations() -> None:
    operations = parse(["web"], ["blur"])

    assert [operation.op for operation in operations or ()] == ["web", "blur"]


def test_nothing_asked_for_leaves_it_to_the_kind_of_media() -> None:
    assert parse([], []) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blurr", "no operation 'blurr'"),
        ("resize:wdth=640", "no parameter 'wdth'"),
        ("resize:width=0", "width"),
        ("resize:width", "'width' must be a parameter and its value"),
        ("{", "no JSON"),
        ("{}", "op"),
        ("re size", "op"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        parse([], [text])


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(Misuse, match="no operation 'wbe'"):
        parse(["wbe"], [])


def test_presets_of_the_operators_file_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "presets.toml"
    file.write_text('[photo]\ncard = ["blur"]')
    monkeypatch.setenv("PRESETS_FILE", str(file))
    assert parse(["card"], []) is not None

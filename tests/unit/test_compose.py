"""compose.yaml and the Dockerfile, as far as they can be judged without a Docker engine."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PORTS = {"download": 8044, "process": 8045, "process-gpu": 8045, "upload": 8046, "cleanup": 8047}
SETTINGS = (
    "shared.settings",
    "shared.storage.settings",
    *(f"services.{stage}.settings" for stage in ("download", "process", "upload", "cleanup")),
)


def test_it_keeps_to_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_become_healthy(name: str) -> None:
    for needed, terms in SERVICES[name].get("depends_on", {}).items():
        assert terms["condition"] == "service_healthy"
        assert "healthcheck" in SERVICES[needed]


@pytest.mark.parametrize("name", PORTS)
def test_a_stage_runs_as_its_module_on_its_port(name: str) -> None:
    stage = name.removesuffix("-gpu")
    assert SERVICES[name]["command"] == ["python", "-m", f"services.{stage}"]
    assert SERVICES[name]["environment"]["HEALTH_PORT"] == PORTS[name]
    assert SERVICES[name]["ports"][0].endswith(f":{PORTS[name]}")
    import_module(f"services.{stage}.__main__")


@pytest.mark.parametrize("name", PORTS)
def test_the_stages_share_one_volume(name: str) -> None:
    volume, folder = next(v for v in SERVICES[name]["volumes"] if v.startswith("work:")).split(":")
    assert volume in COMPOSE["volumes"]
    assert Path(SERVICES[name]["environment"]["TEMP_DIR"]).is_relative_to(folder)
    assert f"install -d -o millrace -g millrace {folder}" in DOCKERFILE


@pytest.mark.parametrize("name", PORTS)
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= _variables()


@pytest.mark.parametrize("name", PORTS)
def test_its_image_is_a_target_that_does_not_run_as_root(name: str) -> None:
    target = SERVICES[name]["build"]["target"]
    stages = re.split(r"^FROM \S+ AS ", DOCKERFILE, flags=re.MULTILINE)
    stage = next(s for s in stages if s.split("\n", 1)[0] == target)
    assert "\nUSER 10001:10001\n" in stage


def test_the_image_has_an_init_and_a_health_check() -> None:
    assert 'ENTRYPOINT ["/usr/bin/tini", "--"]' in DOCKERFILE
    assert "HEALTHCHECK" in DOCKERFILE
    assert "/health" in DOCKERFILE


def _variables() -> set[str]:
    """The environment variables that any service reads."""
    kinds = (kind for module in SETTINGS for kind in vars(import_module(module)).values())
    return {
        field.upper()
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, BaseSettings)
        for field in kind.model_fields
    }

"""Workers and jobs for the tests of this folder, and what they counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from shared.observe.logs import configure_logs
from tests.crash.film import make_film
from tests.crash.nursery import Nursery, nursery
from tests.crash.rounds import Kind

FOLDER = Path(__file__).parent
COUNTED: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones here run only when slow tests are asked for: `-m slow`."""
    if "slow" in config.option.markexpr:
        return
    slow = [one for one in items if FOLDER in one.path.parents and "slow" in one.keywords]
    config.hook.pytest_deselected(items=slow)
    items[:] = [one for one in items if one not in slow]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many points there were."""
    if COUNTED:
        terminalreporter.section("crash points")
    for line in COUNTED:
        terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where workers come from."""
    with nursery(tmp_path_factory.mktemp("nursery") / "log") as nest:
        yield nest


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small photo, a small film, and a file that is neither."""
    folder = tmp_path_factory.mktemp("sources")
    Image.radial_gradient("L").convert("RGB").resize((320, 240)).save(folder / "photo.jpg")
    (folder / "broken.jpg").write_bytes(b"no picture at all")
    make_film(folder / "film.mp4")
    return folder


@pytest.fixture(scope="module")
def kinds(sources: Path) -> dict[str, Kind]:
    """Jobs by the name of their kind."""
    photo = sources / "photo.jpg"
    both = ("thumbnail", "blur")
    every = (
        Kind("photo", photo, both),
        Kind("replacing", photo, both, taken=("blur.webp",), fields={"overwrite": True}),
        Kind("film", sources / "film.mp4", ("poster",)),
        Kind("broken", sources / "broken.jpg", ("blur",), "failed"),
    )
    return {kind.name: kind for kind in every}


@pytest.fixture(autouse=True)
def quiet_logs() -> None:
    """Hundreds of jobs say nothing that anyone wants to read."""
    configure_logs("error", "console")

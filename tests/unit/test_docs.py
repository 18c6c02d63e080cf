"""What the documents say, held against the code: links, commands, variables, examples, names."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import yaml
from pydantic_core import PydanticUndefined

from millrace.cli.app import app
from millrace.cli.dlq import dlq
from millrace.reference import settings_page
from millrace.schemas import EndEvent
from services.cleanup.sweep import Sweep
from services.process.operations import CATALOGUES, validate
from shared import errors
from shared.broker.topology import Lane
from shared.jobs import Account, CancelRequest, DownloadJob, JobEnded, Request, Result
from shared.observe.health import Health
from tests.conftest import ROOT
from tests.flow import flow

DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
TEXT = {path: path.read_text() for path in DOCS}
README = TEXT[ROOT / "README.md"]
OPERATIONS = TEXT[ROOT / "docs" / "operations.md"]
IMAGES = TEXT[ROOT / "docs" / "images.md"]
FILMS = TEXT[ROOT / "docs" / "films.md"]
MESSAGES = TEXT[ROOT / "docs" / "messages.md"]
ARCHITECTURE = TEXT[ROOT / "docs" / "architecture.md"]

# Written like variables, and no variables: names of the operating system and of AMQP.
NO_VARIABLES = re.compile(r"(PR_SET|SCM|RLIMIT|PRECONDITION)_[A-Z_]+")

every_page = pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


def code_in(text: str) -> str:
    """All that stands in backticks: spans and blocks."""
    blocks = re.findall(r"^```.*?^```", text, flags=re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`]+)`", rest)])


def json_in(text: str) -> Iterator[dict[str, object]]:
    for block in re.findall(r"^```json\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        yield json.loads(block)


def anchors_of(text: str) -> set[str]:
    """The names by which headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def variables_in(text: str) -> set[str]:
    found = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", code_in(text)))
    return {name for name in found if not NO_VARIABLES.fullmatch(name)}


# ── every page ───────────────────────────────────────────────────────────────────────────────


@every_page
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXT[path]):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target.read_text()), link


@every_page
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code_in(TEXT[path]))) <= targets


@every_page
def test_sub_commands_exist(path: Path) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"\bmillrace ([a-z]+)\b", code_in(TEXT[path]))) <= known


@every_page
def test_options_exist(path: Path) -> None:
    groups = [typer.main.get_command(one) for one in (app, dlq)]
    commands = [command for group in groups for command in group.commands.values()]  # type: ignore[attr-defined]
    known = {name for command in commands for param in command.params for name in param.opts}
    lines = re.findall(r"\bmillrace [a-z]+[^\n|`]*", code_in(TEXT[path]))
    assert {name for line in lines for name in re.findall(r"(?<=[\s\[])--[a-z-]+", line)} <= known


@every_page
def test_variables_are_settings(path: Path) -> None:
    settings = set(re.findall(r"^\| `([A-Z0-9_]+)`", settings_page(), flags=re.MULTILINE))
    compose = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "compose.yaml").read_text()))
    assert variables_in(TEXT[path]) <= settings | compose


@every_page
def test_named_files_exist(path: Path) -> None:
    folders = r"(?:millrace|services|shared|tests|bench|docs|examples)"
    named = set(re.findall(rf"(?<![\w/.-])({folders}/[\w./-]*\w)", code_in(TEXT[path])))
    assert not [name for name in named if not (ROOT / name).exists()]


@every_page
def test_nothing_of_the_machine_that_it_was_written_on(path: Path) -> None:
    assert not re.findall(r"(?<![\w.])/(?:work|root|home|tmp)\b", TEXT[path])
    assert "guest@127" not in TEXT[path]


# ── README ───────────────────────────────────────────────────────────────────────────────────


def test_the_readmes_job_is_valid_and_its_event_is_that_jobs_end() -> None:
    published, told = json_in(README)
    job = DownloadJob.parse(published)
    validate(job.operations)
    end = EndEvent.parse(told).data
    assert isinstance(end, JobEnded)
    assert (end.job_id, end.source, end.metadata) == (job.job_id, job.source, job.metadata)
    assert [result.key for result in end.results] == [
        "users/42/photo-7_thumbnail.webp",
        "users/42/photo-7_small.avif",
    ]


def test_the_docs_list_every_operation_with_its_parameters() -> None:
    rows = dict(rows_in(README + IMAGES + FILMS))
    for catalogue in CATALOGUES:
        for parameter in catalogue.shared:
            assert f"`{parameter}`" in README + IMAGES + FILMS
        for preset in catalogue.presets:
            assert f"`{preset}` (preset)" in rows
        for name, recipe in catalogue.recipes.items():
            told = rows[f"`{name}`"] + "".join(
                rows[f"`{base}`"]
                for base in ("convert", "resize")
                if f"as `{base}`" in rows[f"`{name}`"]
            )
            for field, about in recipe.model_fields.items():
                if field != "name" and field not in catalogue.shared:
                    default = re.escape(written(about.default))
                    assert re.search(rf"`{about.alias or field}`[^`]*{default}", told), (
                        name,
                        field,
                    )


def rows_in(text: str) -> Iterator[tuple[str, str]]:
    """The first cell of each table's row, and the others as one text."""
    for line in text.splitlines():
        if line.startswith("| "):
            first, *others = (cell.strip() for cell in line.strip("|").split("|"))
            yield first, " ".join(others)


def written(default: object) -> str:
    """A parameter's default as the table says it."""
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default in (None, (), PydanticUndefined) else f"{default}"


def test_the_readme_names_the_ports() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for stage in ("download", "process", "upload", "cleanup"):
        assert f"{compose[stage]['environment']['HEALTH_PORT']} {stage}" in README


# ── messages ─────────────────────────────────────────────────────────────────────────────────


def test_the_messages_in_messages_are_valid() -> None:
    job, older, cancel = json_in(MESSAGES)
    validate(DownloadJob.parse(job).operations)
    validate(DownloadJob.parse(older).operations)
    assert DownloadJob.parse(older).source == "file:///sources/mountains.jpg"
    assert CancelRequest.parse(cancel).outcome == "cancelled"


@pytest.mark.parametrize("model", [Request, DownloadJob, Result, JobEnded, Account])
def test_messages_tells_of_every_field(model: type[Request]) -> None:
    for field in model.model_fields.values():
        assert f"`{field.alias}`" in MESSAGES


# ── operations and architecture ──────────────────────────────────────────────────────────────


def test_every_reason_of_health_has_a_line() -> None:
    for function in (Health._consuming, Health._connected, Health._room, Sweep.overdue):
        for said in sentences_in(function):
            assert f"| `{said}" in OPERATIONS, said


def sentences_in(function: object) -> Iterator[str]:
    """What a function can return that is text: whole, or up to where a value is put in."""
    source = inspect.cleandoc("\n" + inspect.getsource(function))  # type: ignore[arg-type]
    for returned in ast.walk(ast.parse(source)):
        if isinstance(returned, ast.Return) and returned.value is not None:
            for part in ast.walk(returned.value):
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and text.startswith("the "):
                    yield text.rstrip(": ")


async def test_every_metric_is_listed(tmp_path: Path) -> None:
    async with flow(tmp_path / "root") as one:
        cleanup, metrics = one.consumers["cleanup"], one.metrics["cleanup"]
        await Health("cleanup", one.broker, cleanup, one.workspace, metrics).exposition()
    for metric in metrics.registry.collect():
        assert re.search(rf"`{metric.name}(_total)?`", OPERATIONS), metric.name


def test_every_error_is_told_of() -> None:
    for name, error in vars(errors).items():
        if inspect.isclass(error) and issubclass(error, errors.MillraceError):
            assert name == "MillraceError" or f"`{name}`" in ARCHITECTURE, name


def test_every_queue_is_told_of() -> None:
    for queue in Lane("…").topology.queues:
        in_a_row = "`." + queue.name.rpartition(".")[2] + "`"
        assert f"`{queue.name}`" in ARCHITECTURE or in_a_row in ARCHITECTURE, queue.name


def test_the_index_has_every_decision() -> None:
    index = TEXT[ROOT / "docs" / "decisions" / "README.md"]
    for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        title = path.read_text().splitlines()[0].partition(". ")[2]
        assert f"[{title}]({path.name})" in index

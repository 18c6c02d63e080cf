"""All sub-commands, in the order in which `millrace --help` shows them."""

from typing import Annotated

import typer

from millrace import __version__
from millrace.cli.cancel import cancel
from millrace.cli.check import check
from millrace.cli.demo import demo
from millrace.cli.dlq import dlq
from millrace.cli.run import run
from millrace.cli.schema import schema
from millrace.cli.serve import serve
from millrace.cli.settings import settings
from millrace.cli.stats import stats
from millrace.cli.status import status
from millrace.cli.submit import submit
from millrace.cli.sweep import sweep
from millrace.cli.watch import watch

app = typer.Typer(
    name="millrace",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS = {
    "On this machine alone": (run, demo),
    "With RabbitMQ": (serve, submit, status, watch, cancel),
    "Looking after it": (stats, sweep, check, settings, schema),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(dlq, name="dlq", rich_help_panel="Looking after it")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"millrace {__version__}")
        raise typer.Exit


@app.callback()
def millrace(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Photos and films in, what a product needs out, nothing left behind."""

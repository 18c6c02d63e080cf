"""`millrace serve`: one of the services, or all four in one process."""

from typing import Annotated, Literal

import typer

Which = Literal["download", "process", "upload", "cleanup", "all"]


def serve(
    stage: Annotated[Which, typer.Argument(help="The stage, or `all` of them in one process.")],
) -> None:
    """Run a service until SIGTERM; it drains before it ends."""
    from millrace import serving
    from millrace.wiring import STAGES

    stages = STAGES if stage == "all" else (stage,)
    serving.serve(*stages)

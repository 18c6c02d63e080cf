"""`millrace check`: whether everything can be reached that the services need."""

import typer


def check() -> None:
    """Try the broker, the storage, the disk, the engines for photos and films, and the GPU.

    Ends with 1 if one that is needed fails.
    """
    from millrace.checks import every_check
    from millrace.cli.lane import hush
    from millrace.wiring import run

    hush()
    findings = run(every_check())
    for finding in findings:
        print(f"{finding.verdict:<8}{finding.what:<10}{finding.detail}")
    raise typer.Exit(1 if any(finding.verdict == "FAILED" for finding in findings) else 0)

"""`millrace stats`: what lies in the work directory."""

from typing import Any

from millrace.cli import options


def stats(json: options.Json = False) -> None:
    """Show temporary files by kind, and by job with its age."""
    import orjson

    from millrace.cli.lane import lane, work_directory
    from shared.observe.tally import count
    from shared.workspace import Workspace

    workspace: Workspace = work_directory(lane())
    now = workspace.now()
    jobs = [
        {
            "job": job.name,
            "kind": job.kind or "unknown",
            "files": job.files,
            "bytes": job.size,
            "ageSeconds": round(now - (job.lease.created if job.lease else job.modified), 1),
            "ended": job.closed,
        }
        for job in workspace.survey()
    ]
    if json:
        print(orjson.dumps({"tempFiles": count(workspace), "jobs": jobs}).decode())
    else:
        _print(count(workspace), jobs)


def _print(tally: dict[str, dict[str, int]], jobs: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table

    table = Table("kind", "job", box=None, pad_edge=False, header_style="bold")
    for name in ("files", "size", "age"):
        table.add_column(name, justify="right")
    for job in jobs:
        age = f"{job['ageSeconds']:.0f} s"
        table.add_row(job["kind"], job["job"], str(job["files"]), decimal(job["bytes"]), age)
    for kind, row in tally.items():
        jobs_of_kind = f"all {row['totalJobs']} jobs"
        table.add_row(kind, jobs_of_kind, str(row["totalFiles"]), decimal(row["totalSize"]), "")
    Console(highlight=False).print(table)

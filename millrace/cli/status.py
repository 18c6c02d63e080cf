"""`millrace status`: where a job is."""

from typing import TYPE_CHECKING

from millrace.cli import options

if TYPE_CHECKING:
    from millrace.whereabouts import Whereabouts


def status(job: options.JobId, json: options.Json = False) -> None:
    """Show which stage a job is in, or how it ended. Reads the services' work directory."""
    from millrace.cli.lane import lane, work_directory
    from millrace.whereabouts import find

    found = find(work_directory(lane()), job)
    if json:
        print(found.encode().decode())
    else:
        _print(found)


def _print(found: "Whereabouts") -> None:
    print(f"job       {found.job_id}, run {found.run}")
    print(f"state     {found.state}" + (f" {found.stage}" if found.stage else ""))
    print(f"since     {found.since:%Y-%m-%d %H:%M:%S} UTC")
    if found.source:
        print(f"source    {found.source}")
    if found.deadline:
        print(f"deadline  {found.deadline:%Y-%m-%d %H:%M:%S} UTC")
    if found.error:
        print(f"error     {found.error.message} ({found.error.stage}: {found.error.error})")
    for result in found.results:
        print(f"result    {result.url}")

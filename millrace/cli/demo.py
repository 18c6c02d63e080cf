"""`millrace demo`: the main job on the examples that come with Millrace."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go.")
    ] = Path("demo-out"),
) -> None:
    """Run the photo and the film in examples/ through the pipeline, and show what came out."""
    from millrace.cli.batch import carry_out
    from millrace.cli.display import display
    from millrace.cli.errors import Misuse
    from millrace.cli.jobs import Wish, by_stem
    from millrace.cli.operations import parse
    from millrace.cli.page import write
    from millrace.cli.sources import find
    from millrace.cli.table import print_results

    if not EXAMPLES.is_dir():
        raise Misuse("the examples are not here; run this in a checkout of Millrace")
    photo, film = find([str(EXAMPLES / "mountains.jpg"), str(EXAMPLES / "bunny.mp4")]).sources
    place = by_stem([photo, film])
    of_photo = Wish(parse(["web"], ["blur", "low-quality"]), overwrite=True)
    of_film = Wish(parse(["stream"], ["renditions:heights=720"]), overwrite=True)
    jobs = [of_photo.job(photo, place(photo)), of_film.job(film, place(film))]
    for job in jobs:
        shutil.rmtree(out / job.source.stem, ignore_errors=True)
    with display(len(jobs), json=False) as shown:
        batch = carry_out(jobs, out, shown, None)
    print_results(batch.ends)
    if batch.code == 0:
        made = out / film.stem
        page = write(out, made / "hls" / "master.m3u8", made / "storyboard" / "index.vtt")
        print(f"to look at: {page}")
    print(f"temporary files left: {batch.left}")
    raise typer.Exit(batch.code)

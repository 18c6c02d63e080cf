"""Reading `-progress`."""

import asyncio

from services.process.video.ffmpeg.progress import Progress, reports


async def read(text: str) -> list[Progress]:
    lines = asyncio.StreamReader()
    lines.feed_data(text.encode())
    lines.feed_eof()
    return [report async for report in reports(lines)]


async def test_a_report_is_a_block_that_ends_with_progress() -> None:
    text = (
        "frame=0\nout_time_us=N/A\nprogress=continue\n"
        "frame=40\nout_time_us=1600000\nprogress=continue\n"
        "frame=99\nout_time_us=4000000\nprogress=end\n"
    )
    read_all = await read(text)
    assert [(r.seconds, r.frames) for r in read_all] == [(0.0, 0), (1.6, 40), (4.0, 99)]
    assert 0 < read_all[0].elapsed <= read_all[1].elapsed < 10


def test_pictures_tell_how_far_it_is_where_ffmpeg_does_not() -> None:
    assert Progress(0.0, 50, 1.0).reached(25) == 2
    assert Progress(3.0, 50, 1.0).reached(25) == 3
    assert Progress(3.0, 50, 1.0).reached(0) == 3


async def test_it_never_goes_back() -> None:
    text = "".join(f"out_time_us={n}000000\nprogress=continue\n" for n in (1, 5, 4, 6))
    assert [report.seconds for report in await read(text)] == [1, 5, 5, 6]


async def test_a_block_that_breaks_off_is_no_report() -> None:
    assert await read("frame=1\nout_time_us=5\n") == []

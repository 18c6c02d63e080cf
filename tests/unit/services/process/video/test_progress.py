"""Reading `-progress`."""

import asyncio

from services.process.video.progress import Progress, reports


async def read(text: str) -> list[Progress]:
    lines = asyncio.StreamReader()
    lines.feed_data(text.encode())
    lines.feed_eof()
    return [report async for report in reports(lines)]


async def test_a_report_is_a_block_that_ends_with_progress() -> None:
    text = (
        "frame=0\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n"
        "frame=40\nout_time_us=1600000\nspeed=1.75x\nprogress=continue\n"
        "frame=99\nout_time_us=4000000\nspeed=   2x\nprogress=end\n"
    )
    assert await read(text) == [
        Progress(0.0, None, 0),
        Progress(1.6, 1.75, 40),
        Progress(4.0, 2.0, 99),
    ]


async def test_it_never_goes_back() -> None:
    text = "".join(f"out_time_us={n}000000\nprogress=continue\n" for n in (1, 5, 4, 6))
    assert [report.seconds for report in await read(text)] == [1, 5, 5, 6]


async def test_a_block_that_breaks_off_is_no_report() -> None:
    assert await read("frame=1\nout_time_us=5\n") == []

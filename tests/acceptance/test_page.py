"""The page that `millrace demo` ends with: what lies in it is played, by a real browser as well."""

import asyncio
import base64
import io
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest

from tests.acceptance.commands import Program
from tests.servers.install import can_install, install

FRAMES = 132  # that examples/bunny.mp4 has


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser that `CHROMIUM` names, else the machine's; CI gets Debian's where it may."""
    asked = os.environ.get("CHROMIUM")
    if asked is None and os.environ.get("CI") and not shutil.which("chromium") and can_install():
        install("chromium")  # some twenty seconds
    found = shutil.which(asked or "chromium")
    if found is None:
        # A browser is much to install for one page on a machine where people work: what the page
        # holds is tested without one, too.
        pytest.skip(
            "no chromium here, CHROMIUM names none, and only CI as root installs one by apt"
        )
    return found


def told(page: Path) -> dict[str, Any]:
    text = page.read_text()
    found: dict[str, Any] = json.loads(
        text.split('type="application/json">')[1].split("</script>")[0]
    )
    return found


def test_the_page_has_all_that_its_smallest_size_needs(tmp_path: Path) -> None:
    assert Program(tmp_path)("demo").code == 0
    page = tmp_path / "demo-out" / "index.html"
    facts = told(page)
    assert (page.parent / facts["board"]).read_text().strip() == facts["cues"]
    pieces = {name: base64.b64decode(text) for name, text in facts["pieces"].items()}
    assert all((page.parent / name).read_bytes() == piece for name, piece in pieces.items())
    folder = "bunny/hls/360p"
    names = ["init.mp4", *(f"{number:05}.m4s" for number in range(2))]
    joined = b"".join(pieces[f"{folder}/{name}"] for name in names)
    with av.open(io.BytesIO(joined), "r") as media:
        assert sum(1 for _ in media.decode(video=0)) == FRAMES
    assert "http" not in page.read_text()


@pytest.mark.slow
async def test_a_browser_plays_the_page_to_its_end(tmp_path: Path, chromium: str) -> None:
    assert Program(tmp_path)("demo").code == 0
    page = tmp_path / "demo-out" / "index.html"
    async with _browser(chromium, tmp_path, page.as_uri()) as evaluate:
        async with asyncio.timeout(60):
            while not await evaluate("film.readyState >= 3"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            assert await evaluate("film.play().then(() => 'plays', String)") == "plays"
            while not await evaluate("film.ended"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert await evaluate("film.getVideoPlaybackQuality().totalVideoFrames") == FRAMES
        assert await evaluate("film.webkitAudioDecodedByteCount") > 50_000
        assert await evaluate("at('board').naturalWidth") == 480


@asynccontextmanager
async def _browser(program: str, folder: Path, address: str) -> AsyncIterator[Any]:
    """Chromium on that page; what is given evaluates an expression there."""
    profile = folder / "profile"
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
    process = await asyncio.create_subprocess_exec(
        *(program, *flags, f"--user-data-dir={profile}", address),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                tabs = await answer.json()
            link = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
            async with session.ws_connect(link) as socket:

                async def evaluate(expression: str) -> Any:
                    asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
                    await socket.send_json({"id": 1, "method": "Runtime.evaluate", "params": asked})
                    answer = await socket.receive_json()
                    return answer["result"]["result"].get("value")

                yield evaluate
    finally:
        process.kill()
        await process.wait()


async def _port(file: Path) -> str:
    async with asyncio.timeout(60):
        while not (file.exists() and file.read_text().strip()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return file.read_text().split()[0]

"""The page at the end of `millrace demo`: it plays the HLS and shows the storyboard.

It needs no network and no web server. A browser lets a page that was opened as a file read no
other file, so the smallest size lies in the page itself, too; from a web server it plays them all.
"""

import base64
from pathlib import Path
from typing import Any

import orjson

_TEMPLATE = Path(__file__).with_name("page.html")


def write(root: Path, master: Path, board: Path) -> Path:
    """The new `index.html` in `root`; `master` and `board` lie below.

    Args:
        master: the master playlist.
        board: the storyboard's text.
    """
    told: dict[str, Any] = {
        "master": master.relative_to(root).as_posix(),
        "board": board.relative_to(root).as_posix(),
        "cues": board.read_text().strip(),
        "pieces": {path.relative_to(root).as_posix(): _text(path) for path in _smallest(master)},
    }
    page = root / "index.html"
    # What stands in a script ends at the first `</`, whatever is around it.
    value = orjson.dumps(told).decode().replace("</", "<\\/")
    page.write_text(_TEMPLATE.read_text().replace("$SET", value))
    return page


def _smallest(master: Path) -> list[Path]:
    """The files that the smallest size needs."""
    lines = master.read_text().splitlines()
    sounds = [line.split('URI="')[1].split('"')[0] for line in lines if "TYPE=AUDIO" in line]
    sizes = [line for line in lines if line and not line.startswith("#")]
    folders = [master.parent / Path(name).parent for name in (sizes[-1], *sounds[:1])]
    return [master, *(path for folder in folders for path in sorted(folder.iterdir()))]


def _text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()

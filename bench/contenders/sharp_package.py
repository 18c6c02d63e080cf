"""Node's sharp, by name and version from npm, in a folder of its own beside the interpreter."""

import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "0.35.5"


def installed() -> Path:
    """The folder whose `node_modules` hold sharp; it is installed there at the first call."""
    folder = Path(sys.prefix) / f"bench-sharp-{VERSION}"
    if not (folder / "node_modules" / "sharp").is_dir():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("The peer sharp needs Node and npm: apt-get install npm")
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run([npm, "install", *options, f"sharp@{VERSION}"], cwd=folder, check=True)

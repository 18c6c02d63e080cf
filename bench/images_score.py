"""How good and how large the outputs of a contender are."""

import hashlib
import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bench.images_task import Task
from services.process.image.encoding import ssimulacra2

CACHE = Path(sys.prefix) / "bench-images-scores.json"  # by digests, so it can never be stale
METRIC = (Path(__file__), Path(ssimulacra2.__file__))  # whose change makes other scores
_OUTPUTS_AT_A_TIME = 7  # those of one photo in a process, for it is decoded once there


@dataclass(frozen=True)
class Verdict:
    """Of all outputs of all photos: bytes, and the mean SSIMULACRA2 of those without blur."""

    size: int
    score: float


@dataclass(frozen=True)
class Pair:
    """An output without blur, and the photo that it is of."""

    photo: Path
    fit: str
    made: Path

    @property
    def key(self) -> str:
        """A digest of all that the score follows from."""
        read = (self.photo, self.made, *METRIC)
        parts = [self.fit, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in read)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def judge(task: Task) -> Verdict:
    """Compare every output with the photo as Pillow resizes it from all of its pixels."""
    known: dict[str, float] = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    pairs = {pair.key: pair for pair in _pairs(task)}
    new = {key: pair for key, pair in pairs.items() if key not in known}
    known.update(zip(new, _scores(list(new.values()), task.cores), strict=True))
    CACHE.write_text(json.dumps(known))
    size = sum(path.stat().st_size for path in Path(task.folder).rglob("*") if path.is_file())
    return Verdict(size, statistics.fmean(known[key] for key in pairs))


def _pairs(task: Task) -> Iterator[Pair]:
    """Of each photo once, however often it was in the task."""
    for path, photo in {photo.path: photo for photo in task.photos}.items():
        for output in task.outputs:
            if not output.blur:
                yield Pair(Path(path), output.fit, Path(task.folder, photo.name, output.file))


def _scores(pairs: Sequence[Pair], cores: int) -> Sequence[float]:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process for each core is enough
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as processes:
        return list(processes.map(_score, pairs, chunksize=_OUTPUTS_AT_A_TIME))


def _score(pair: Pair) -> float:
    with Image.open(pair.made) as image:
        pixels = np.asarray(image.convert("RGB"))
    return _original(pair.photo, pair.fit, pixels.shape[1], pixels.shape[0]).score(pixels)


@lru_cache(maxsize=2)  # the formats of one size follow each other
def _original(path: Path, fit: str, width: int, height: int) -> ssimulacra2.Original:
    """The photo at the very size of an output: contenders may round a side differently."""
    whole = _whole(path)
    if fit == "cover":
        small = ImageOps.fit(whole, (width, height), Image.Resampling.LANCZOS)
    else:
        small = whole.resize((width, height), Image.Resampling.LANCZOS)
    return ssimulacra2.Original(np.asarray(small))


@lru_cache(maxsize=1)
def _whole(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")

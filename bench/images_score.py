"""How good and how large the outputs of a contender are."""

import hashlib
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bench.images_task import Output, Photo, Task
from services.process.image.ssimulacra2 import Original

CACHE = Path(sys.prefix) / "bench-images-scores.json"  # by digests, so it can never be stale


@dataclass(frozen=True)
class Verdict:
    """Of all outputs of all photos: bytes, and the mean SSIMULACRA2 of those without blur."""

    size: int
    score: float


def judge(task: Task) -> Verdict:
    """Compare every output with the photo as Pillow resizes it from all of its pixels."""
    known = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process for each core is enough
    with ProcessPoolExecutor(task.cores, mp_context=get_context("spawn")) as processes:
        tasks = [
            (photo, task.outputs, Path(task.folder, photo.name), known) for photo in _once(task)
        ]
        found = list(processes.map(_scores, *zip(*tasks, strict=True)))
    fresh = {key: score for scores in found for key, score in scores.items()}
    CACHE.write_text(json.dumps(known | fresh))
    size = sum(path.stat().st_size for path in Path(task.folder).rglob("*") if path.is_file())
    return Verdict(size, statistics.fmean(fresh.values()))


def _once(task: Task) -> list[Photo]:
    """Each photo once, however often it was in the task."""
    return list({photo.path: photo for photo in task.photos}.values())


def _scores(
    photo: Photo, outputs: Sequence[Output], folder: Path, known: Mapping[str, float]
) -> dict[str, float]:
    """By the digest of what was compared."""
    scores = {}
    for output in (output for output in outputs if not output.blur):
        made = folder / output.file
        key = hashlib.sha256(made.read_bytes() + photo.path.encode()).hexdigest()
        scores[key] = known.get(key) or _score(photo, output, made)
    return scores


def _score(photo: Photo, output: Output, made: Path) -> float:
    with Image.open(made) as image:
        pixels = np.asarray(image.convert("RGB"))
    return _original(photo.path, output.fit, pixels.shape[1], pixels.shape[0]).score(pixels)


@lru_cache(maxsize=2)  # the formats of one size follow each other
def _original(path: str, fit: str, width: int, height: int) -> Original:
    """The photo at the very size of an output: contenders may round a side differently."""
    whole = _whole(path)
    if fit == "cover":
        small = ImageOps.fit(whole, (width, height), Image.Resampling.LANCZOS)
    else:
        small = whole.resize((width, height), Image.Resampling.LANCZOS)
    return Original(np.asarray(small))


@lru_cache(maxsize=1)
def _whole(path: str) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")

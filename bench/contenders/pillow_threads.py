"""Pillow as it is commonly used: one decode per output, in a thread for each core.

python -m bench.contenders.pillow_threads TASK.json
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from bench.images_task import Made, Output, Photo, Task, contender, measured


def main(task: Task) -> Made:
    """Make all outputs; the next one goes to whichever thread is free."""
    for photo in task.photos:
        Path(task.folder, photo.name).mkdir()
    pairs = [(*pair, Path(task.folder)) for pair in product(task.photos, task.outputs)]
    with measured() as made, ThreadPoolExecutor(task.cores) as threads:
        list(threads.map(_make, *zip(*pairs, strict=True)))
    return made


def _make(photo: Photo, output: Output, folder: Path) -> None:
    with Image.open(photo.path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    small = _resized(upright, output)
    if output.blur:
        small = small.filter(ImageFilter.GaussianBlur(output.blur))
    small.save(folder / photo.name / output.file, quality=output.quality)


def _resized(image: Image.Image, output: Output) -> Image.Image:
    box = output.width or image.width, output.height or image.height
    if output.fit == "cover":
        return ImageOps.fit(image, box, Image.Resampling.LANCZOS)
    image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=None)
    return image


if __name__ == "__main__":
    contender(main, sys.argv)

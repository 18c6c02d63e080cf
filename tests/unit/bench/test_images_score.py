"""What the benchmark of photos says of outputs, and what it remembers of earlier ones."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bench import images_score
from bench.images_score import judge
from bench.images_task import Output, Photo, Task
from services.process.image.encoding import ssimulacra2

SIZE = (48, 36)


@pytest.fixture
def task(tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """One photo, of which a copy was made."""
    monkeypatch.setattr(images_score, "CACHE", tmp_path / "scores.json")
    (tmp_path / "made" / "a").mkdir(parents=True)
    with Image.open(examples / "mountains.jpg") as image:
        small = image.resize(SIZE)
    small.save(tmp_path / "photo.png")
    small.save(tmp_path / "made" / "a" / "w.png")
    output = Output("w", "w.png", "png", *SIZE, fit="inside", blur=0.0, quality=80)
    photo = Photo("a", str(tmp_path / "photo.png"))
    return Task("", [photo], [], [output], str(tmp_path / "made"), cores=1)


def remember(score: float) -> None:
    """Let all that is remembered be this score."""
    known = json.loads(images_score.CACHE.read_text())
    images_score.CACHE.write_text(json.dumps(dict.fromkeys(known, score)))


def test_what_is_as_the_photo_has_the_highest_score(task: Task) -> None:
    assert judge(task).score == pytest.approx(100)


@pytest.mark.parametrize("score", [0.0, 12.0])
def test_what_was_compared_before_is_not_compared_again(task: Task, score: float) -> None:
    judge(task)
    remember(score)
    assert judge(task).score == score


def test_another_photo_in_the_same_place_is_compared(task: Task) -> None:
    judge(task)
    path = Path(task.photos[0].path)
    with Image.open(path) as image:
        ImageOps.flip(image).save(path)
    assert judge(task).score < 50


def test_another_metric_compares_anew(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(task)
    remember(12.0)
    changed = tmp_path / "metric.py"
    changed.write_bytes(Path(ssimulacra2.__file__).read_bytes() + b"# changed\n")
    monkeypatch.setattr(images_score, "METRIC", (changed,))
    assert judge(task).score == pytest.approx(100)

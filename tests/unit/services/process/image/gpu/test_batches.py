"""What is asked at about the same time is done together, and fails alone."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.process.image.gpu.batches import MOST, Batches, Done
from services.process.image.gpu.device import Array, Declined, Memory
from services.process.image.gpu.wire import Blur, Decode, Resize
from tests.processor.device import Processor

SECONDS = 20
GREY = Image.linear_gradient("L")


class Watched(Processor):
    """Keeps in which order it was used."""

    name = "watched"

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""

    def put(self, values: Array) -> Memory:
        self.seen += "p"
        return super().put(values)

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        self.seen += "g"
        return super().get(memory)


class Picky:
    """Decodes all files but one."""

    name = "picky 1"

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        self.calls.append(list(files))
        return [None if file == b"no" else np.zeros((2, 3, 3), np.uint8) for file in files]


def started(batches: Batches) -> None:
    threading.Thread(target=batches.run, daemon=True).start()


def blur(image: Image.Image, sigma: float) -> Blur:
    return Blur(width=image.width, height=image.height, channels=1, sigma=sigma)


def resize(image: Image.Image, columns: int, rows: int) -> Resize:
    return Resize(
        width=image.width,
        height=image.height,
        channels=1,
        columns=columns,
        rows=rows,
        left=0,
        top=0,
        right=image.width,
        bottom=image.height,
    )


def pixels(done: Done) -> bytes:
    return done[1]


def test_all_is_begun_before_any_is_waited_for(processor: Processor) -> None:
    batches = Batches(device := Watched())
    asked = [batches.ask(blur(GREY, sigma), GREY.tobytes()) for sigma in (1.0, 2.0, 3.0)]
    started(batches)
    done = [future.result(SECONDS) for future in asked]
    assert device.seen == "pppggg"
    assert [answer.begins for answer, _ in done] == [True, False, False]
    assert {answer.by for answer, _ in done} == {"watched"}
    for sigma, one in zip((1.0, 2.0, 3.0), done, strict=True):
        assert pixels(one) == GREY.filter(ImageFilter.GaussianBlur(sigma)).tobytes()


@pytest.mark.parametrize("most", [MOST, 2])
def test_a_batch_has_a_most(processor: Processor, most: int) -> None:
    batches = Batches(processor, most=most) if most != MOST else Batches(processor)
    asked = [batches.ask(blur(GREY, 1.0), GREY.tobytes()) for _ in range(most + 1)]
    started(batches)
    assert [future.result(SECONDS)[0].begins for future in asked] == [
        True,
        *[False] * (most - 1),
        True,
    ]


class Narrow(Processor):
    """Fails at pictures of more than 300 pixels a row, when they are to be had."""

    def get(self, memory: Memory) -> NDArray[np.uint8]:
        if memory.size > 300 * 300:
            raise RuntimeError("an illegal address")
        return super().get(memory)


def test_who_fails_fails_alone(processor: Processor) -> None:
    batches, large = Batches(Narrow()), GREY.resize((800, 800))
    fails = batches.ask(resize(large, 400, 400), large.tobytes())
    goes_well = batches.ask(resize(GREY, 128, 128), GREY.tobytes())
    started(batches)
    with pytest.raises(RuntimeError, match="an illegal address"):
        fails.result(SECONDS)
    expected = GREY.resize((128, 128), Image.Resampling.LANCZOS)
    assert pixels(goes_well.result(SECONDS)) == expected.tobytes()


def test_files_are_decoded_by_one_call_and_declined_one_by_one(processor: Processor) -> None:
    batches = Batches(processor, decoder := Picky())
    asked = [batches.ask(Decode(size=len(file)), file) for file in (b"yes", b"no", b"y")]
    asked.insert(1, batches.ask(blur(GREY, 1.0), GREY.tobytes()))
    started(batches)
    answer, _ = asked[0].result(SECONDS)
    assert (answer.width, answer.height, answer.by) == (3, 2, "picky 1")
    with pytest.raises(Declined, match="cannot decode"):
        asked[2].result(SECONDS)
    assert asked[3].result(SECONDS)[0].by == "picky 1"
    assert asked[1].result(SECONDS)[0].by == "processor"
    assert decoder.calls == [[b"yes", b"no", b"y"]]


def test_what_would_be_too_large_on_the_way_is_declined(processor: Processor) -> None:
    batches, thin = Batches(processor), Image.new("L", (1, 65535))
    wide = resize(thin, 65535, 65535)
    asked = batches.ask(wide, thin.tobytes())
    started(batches)
    with pytest.raises(Declined, match="too many"):
        asked.result(SECONDS)

"""Where outputs lie in their source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.process.image.engine import MAX_SIDE_PIXELS, Target
from services.process.image.geometry import Placement, Size, origins, shape, shapes, stand_in
from services.process.image.look import Cut, Fit

sides = st.integers(1, 30000)


def size(source: tuple[int, int], fit: Fit, width: int | None, height: int | None) -> object:
    placement = shape(*source, Target("a", "webp", width=width, height=height, fit=fit)).placement
    return placement.width, placement.height


@pytest.mark.parametrize(
    ("source", "fit", "box", "expected"),
    [
        ((3264, 2448), "inside", (640, None), (640, 480)),
        ((3264, 2448), "inside", (None, 480), (640, 480)),
        ((3264, 2448), "inside", (640, 100), (133, 100)),
        ((3264, 2448), "outside", (640, 100), (640, 480)),
        ((3264, 2448), "cover", (150, 150), (150, 150)),
        ((800, 600), "inside", (1920, None), (800, 600)),
        ((100, 80), "cover", (150, 150), (80, 80)),
        ((100, 1000), "cover", (150, 150), (100, 100)),
        ((5000, 1), "inside", (150, None), (150, 1)),
        ((1000, 40000), "inside", (1000, None), (410, 16383)),
    ],
)
def test_sizes(
    source: tuple[int, int],
    fit: Fit,
    box: tuple[int | None, int | None],
    expected: tuple[int, int],
) -> None:
    assert size(source, fit, *box) == expected


@given(sides, sides, sides, sides, st.sampled_from(["inside", "outside", "cover"]))
def test_never_empty_enlarged_or_too_large(
    width: int, height: int, box_width: int, box_height: int, fit: Fit
) -> None:
    box_width, box_height = (min(side, MAX_SIDE_PIXELS["webp"]) for side in (box_width, box_height))
    target = Target("a", "webp", width=box_width, height=box_height, fit=fit)
    placement = shape(width, height, target).placement
    assert 1 <= placement.width <= min(width, MAX_SIDE_PIXELS["webp"])
    assert 1 <= placement.height <= min(height, MAX_SIDE_PIXELS["webp"])
    left, top, right, bottom = placement.box(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_cover_shows_the_middle() -> None:
    placement = shape(400, 200, Target("a", "webp", width=100, height=100, fit="cover")).placement
    assert placement.box(400, 200) == (100, 0, 300, 200)
    assert placement.stored(6) == Placement(100, 100, 1.0, 0.5, 0.0, 0.25)


def test_what_looks_the_same_is_one_shape_and_the_largest_comes_first() -> None:
    targets = [
        Target("small", "webp", width=100),
        Target("large", "webp", width=200),
        Target("large", "avif", width=200),
        Target("soft", "webp", width=200, blur=3),
    ]
    groups = list(shapes(400, 400, targets).values())
    assert [[target.file for target in group] for group in groups] == [
        ["large.webp", "large.avif"],
        ["soft.webp"],
        ["small.webp"],
    ]


@pytest.mark.parametrize(
    ("placements", "expected"),
    [
        ([Placement(1000, 750), Placement(500, 375), Placement(100, 75)], [None, 0, 1]),
        ([Placement(1000, 750), Placement(800, 600), Placement(600, 450)], [None, None, 0]),
        ([Placement(1000, 750), Placement(500, 375, 0.5), Placement(400, 300)], [None, None, 0]),
        ([Placement(100, 75), Placement(100, 75)], [None, 0]),
        ([Placement(1000, 1), Placement(500, 1)], [None, None]),
        ([Placement(1, 1000), Placement(1, 500)], [None, None]),
    ],
    ids=["cascade", "too near", "a part", "the same", "a strip", "a post"],
)
def test_each_is_made_from_the_smallest_that_is_large_enough_both_ways(
    placements: list[Placement], expected: list[int | None]
) -> None:
    assert origins(placements) == expected


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], (1920, 1080)),
        ([(640, None)], (640, 360)),
        ([(640, None), (320, None), (640, None)], (640, 360)),
        ([(3000, None), (100, None)], (1920, 1080)),
        ([(640, None), (600, None)], (896, 504)),  # 600 cannot be made from 640
        ([(1600, None), (1500, None)], (1920, 1080)),
    ],
)
def test_a_copy_is_as_large_as_the_largest_look_needs(
    boxes: list[tuple[int | None, int | None]], expected: Size
) -> None:
    looks = [Target("a", width=width, height=height) for width, height in boxes]
    assert stand_in(1920, 1080, looks) == expected


def test_a_copy_has_what_is_cut_off_as_well() -> None:
    look = Target("a", width=290, height=290, fit="cover")  # 290.00000000000006, computed
    assert stand_in(1920, 1080, [look]) == (516, 290)


usual = st.integers(16, 4000)
boxes = st.tuples(usual, usual, st.sampled_from(["inside", "outside", "cover", "contain"]))


def test_what_is_cut_out_needs_the_picture_itself() -> None:
    cut = Cut(0, 0, 18000, 50)  # more than WebP has: the output is smaller than the part
    assert stand_in(20000, 100, [Target("a", "webp", cut=cut)]) == (20000, 100)


@given(usual, usual, st.lists(boxes, min_size=1, max_size=5))
def test_a_copy_gives_what_the_picture_itself_gives(
    width: int, height: int, wanted: list[tuple[int, int, Fit]]
) -> None:
    looks = [Target("a", width=box[0], height=box[1], fit=box[2]) for box in wanted]
    copy = stand_in(width, height, looks)
    assert copy <= (width, height)
    for look in looks:
        of_all, of_copy = (shape(*size, look) for size in ((width, height), copy))
        assert abs(of_copy.placement.width - of_all.placement.width) <= 2
        assert abs(of_copy.placement.height - of_all.placement.height) <= 2
        assert of_copy.finish == of_all.finish

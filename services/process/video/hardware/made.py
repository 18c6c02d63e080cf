"""What a result says of who decoded and encoded it. Pure."""

from collections.abc import Sequence

from services.process.video.ffmpeg.branch import Branch
from services.process.video.hardware.arguments import encodes
from services.process.video.hardware.device import Device, Route
from shared.jobs import MadeOn, Output

_LONGEST = 300


def marked(
    output: Output, branches: Sequence[Branch], device: Device, route: Route, faults: Sequence[str]
) -> Output:
    """The output, whose pictures come from `branches`, with where that was done and why there.

    Args:
        faults: of the ways that were tried before `route`.
    """
    on_device = any(encodes(route, branch) for branch in branches)
    whole = route.decodes and on_device
    reasons = "; ".join((*faults, *device.faults)) or "not of this codec"
    return output.model_copy(
        update={
            "made_on": MadeOn(
                decoding=(route.decodes and route.kind) or "cpu",
                encoding=(on_device and route.kind) or "cpu",
                reason=None if whole else reasons[:_LONGEST],
            )
        }
    )

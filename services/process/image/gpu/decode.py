"""JPEG on the GPU, by nvImageCodec: other pixels than Pillow's by rounding, so only if asked for."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.errors import EngineUnavailable


class Decoder(Protocol):
    """Decodes JPEG files.

    Attributes:
        name: with version, as recipes show it.
    """

    name: str

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        """For each file its pixels, rows of RGB as they are stored; None where it cannot."""
        ...


class NvImageCodec:
    """The decoder of the extra `gpu`; in hardware where the GPU has that."""

    def __init__(self, *, on_gpu: bool = True) -> None:
        """Loads the library.

        Raises:
            EngineUnavailable: it is not installed, or cannot use the GPU.
        """
        try:
            from nvidia import nvimgcodec

            self._codec = nvimgcodec
            self._decoder = nvimgcodec.Decoder(
                # As libjpeg brings up the colours of half resolution.
                **({"options": ":fancy_upsampling=1"} if on_gpu else self._processor())
            )
        except Exception as error:
            raise EngineUnavailable(
                f"PROCESS_GPU_DECODE: nvImageCodec (the extra `gpu`) cannot be used: {error}"
            ) from error
        self.name = f"nvimgcodec {nvimgcodec.__version__}"
        self._as_stored = nvimgcodec.DecodeParams(
            apply_exif_orientation=False,
            color_spec=nvimgcodec.ColorSpec.SRGB,
            sample_format=nvimgcodec.SampleFormat.I_RGB,
        )

    def _processor(self) -> dict[str, object]:
        """Its decoder for machines without a GPU, so that this can be tried there."""
        backend = self._codec.Backend(self._codec.BackendKind.CPU_ONLY)
        return {"device_id": self._codec.NVIMGCODEC_DEVICE_CPU_ONLY, "backends": [backend]}

    def decode(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | None]:
        """See `Decoder.decode`."""
        streams = [self._codec.CodeStream(file) for file in files]
        images = self._decoder.decode(streams, params=self._as_stored)
        return [None if image is None else np.asarray(image.cpu()) for image in images]

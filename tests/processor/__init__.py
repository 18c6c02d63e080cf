"""The GPU's kernels on the processor, so that they are tested on every machine."""

"""The training step as a compiled, pure program whose state stays on the device. README.md describes the design."""

from sporax.train.runner._speculation import BLOCK_STEPS
from sporax.train.runner._step import StepRunner

__all__ = ["BLOCK_STEPS", "StepRunner"]

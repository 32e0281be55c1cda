"""Checkpoint files: the authors' read without running anything in them, our own written.

`read` knows a file by its contents: PyTorch's zip and older format, Paddle's .pdparams, .npz and
.safetensors. Neither PyTorch nor Paddle is needed. Our own format is .safetensors.
"""

from alphamat_deep.checkpoints.reading import metadata as metadata
from alphamat_deep.checkpoints.reading import read as read
from alphamat_deep.checkpoints.safetensors import write_native as write_native

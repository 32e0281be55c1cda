"""What data, augmentation and losses hand on to each other."""

import numpy as np

Sample = dict[str, np.ndarray]
"""Arrays of float32, (H, W, C), or (T, H, W, C) of clips. A batch has one axis more, at the front.

Colours in [0, 1] are under `image`, `foreground`, `background` and `plate`; `alpha` is in [0, 1];
`trimap` is 0, 0.5 or 1, exactly. Arrays of uint8 are handed on as they are: see `pack_layers`."""

"""The library's own network, which comes with its weights."""

from functools import partial

from alphamat.rules import Pad, Preprocess, levels
from alphamat_deep.catalogue.preset import Preset, by_pixel
from alphamat_deep.models.learned import Learned, LearnedConfig

RULES = Preprocess(
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    encode=levels,
    chain=(Pad(0, 32, mode="edge"),),
)

PRESETS = {
    "learned": Preset(
        model=Learned,
        config=LearnedConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 700),
        weights=None,
        bundled="learned.safetensors",
        citation="The library's own, trained on painted scenes only, under its licence",
    ),
}

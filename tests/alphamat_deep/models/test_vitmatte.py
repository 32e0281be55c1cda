"""What ViTMatte does beside what every network must."""

import numpy as np
import pytest

import alphamat_deep
from alphamat_deep.fill import our_name
from alphamat_deep.models.vitmatte import MEAN
from tests.alphamat_deep import reference_networks as reference

HUGGING_FACE = {
    "backbone.pos_embed": "backbone.embeddings.position_embeddings",
    "backbone.patch_embed.proj.": "backbone.embeddings.projection.",
    "backbone.blocks.": "backbone.encoder.layer.",
    ".attn.": ".attention.",
    ".fusion_blks.": ".fusion_blocks.",
    ".bn.": ".batch_norm.",
}


@pytest.mark.parametrize("preset", ["vitmatte-s", "vitmatte-b"])
def test_names_of_hugging_face_are_the_authors(preset):
    names = alphamat_deep.PRESETS[preset].names
    for original, *_ in reference.manifest(preset.replace("-", "_"))["params"]:
        theirs = original
        for one, other in HUGGING_FACE.items():
            theirs = theirs.replace(one, other)
        assert our_name(theirs, names) == our_name(original, names)


def test_what_is_added_to_a_picture_is_0_to_the_network():
    rules = alphamat_deep.PRESETS["vitmatte-s"].preprocess
    image = np.random.default_rng(3).integers(0, 256, (33, 64, 3), np.uint8)
    trimap = np.full((33, 64), 128, np.uint8)
    colours, marks = (x[0] for x in rules.apply(image, trimap).inputs)
    assert colours.shape == (64, 96, 3)
    for added in (colours[33:], colours[:, 64:]):
        assert not (added - np.array(MEAN, np.float32)).any()
    assert not marks[33:].any()
    assert (marks[:33, :64] == np.float32(128 / 255)).all()

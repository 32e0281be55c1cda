"""ViTMatte, small and base."""

from functools import partial

from alphamat.rules import IMAGENET_MEAN, Extend, Preprocess, exceed_sides, levels
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE
from alphamat_deep.fill import Names
from alphamat_deep.models.vitmatte import ViTMatte, ViTMatteConfig

CITATION = (
    'Yao, Wang, Yang & Wang, "ViTMatte: Boosting Image Matting with Pre-trained Plain Vision '
    'Transformers", Information Fusion 103, 2024, https://arxiv.org/abs/2305.15272'
)
WARNING = (
    "The code is MIT. The same weights are on Hugging Face, as model.safetensors of "
    "hustvl/vitmatte-{}-composition-1k: these load, too."
)

# The network normalises colours, so what is added below and to the right becomes 0.
# Hugging Face's processor has other means and adds fewer pixels; the authors' are these.
RULES = Preprocess(
    (0, 0, 0),
    (1, 1, 1),
    encode=levels,
    chain=(Extend(partial(exceed_sides, 32), IMAGENET_MEAN),),
)

_POSITIONS = (r"\.pos_embed$", ".pos_embed.weight")
_HUGGING_FACE = (
    (r"^backbone\.embeddings\.position_embeddings$", "backbone.pos_embed"),
    (r"^backbone\.embeddings\.projection\.", "backbone.patch_embed.proj."),
    (r"^backbone\.encoder\.layer\.", "backbone.blocks."),
    (r"\.attention\.", ".attn."),
    (r"\.fusion_blocks\.", ".fusion_blks."),
    (r"\.batch_norm\.", ".bn."),
)
NAMES = Names(rename=(*_HUGGING_FACE, _POSITIONS))


def _pretrained(title: str) -> Backbone:
    return Backbone(
        title=title,
        mark=r"^cls_token$",
        names=Names(rename=((r"^", "backbone."), _POSITIONS), ignore=(r"^cls_token$", r"^norm\.")),
        part=r"^backbone\.(?!.*\.(rel_pos|residual))",
        widened=(r"^backbone\.patch_embed\.proj\.weight$",),
    )


PRESETS = {
    "vitmatte-s": Preset(
        model=ViTMatte,
        config=ViTMatteConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 700),
        weights=Weights(
            url="https://drive.google.com/file/d/12VKhSwE_miF9lWQQCgK7mv83rJIls3Xe",
            file="ViTMatte_S_Com.pth",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
        ),
        citation=CITATION,
        scores=(Score("Composition-1k", sad=21.46, mse=0.0033, grad=7.24, conn=16.21),),
        warning=WARNING.format("small"),
        names=NAMES,
        backbones=(_pretrained("DINO's ViT-S/16 (dino_deitsmall16_pretrain.pth)"),),
    ),
    "vitmatte-b": Preset(
        model=ViTMatte,
        config=ViTMatteConfig(features=768, heads=12),
        preprocess=RULES,
        memory=partial(by_pixel, 700),
        weights=Weights(
            url="https://drive.google.com/file/d/1mOO5MMU4kwhNX96AlfpwjAoMM4V5w3k-",
            file="ViTMatte_B_Com.pth",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
        ),
        citation=CITATION,
        scores=(Score("Composition-1k", sad=20.33, mse=0.0030, grad=6.74, conn=14.78),),
        warning=WARNING.format("base"),
        names=NAMES,
        backbones=(_pretrained("MAE's ViT-B/16 (mae_pretrain_vit_base.pth)"),),
    ),
}

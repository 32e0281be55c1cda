"""Published networks in PyTorch, under their authors' names, for `benchmarks.networks`.

Each is written from its paper and computes what its authors' program does:
tests/benchmarks/test_torch_peers.py compares them. PyTorch is no dependency.
"""

from functools import partial

from benchmarks.torch_peers.bgmv2 import bgmv2_mobilenetv2, bgmv2_resnet50, bgmv2_resnet101
from benchmarks.torch_peers.birefnet import BiRefNet
from benchmarks.torch_peers.dim import DIM
from benchmarks.torch_peers.fba import FBA
from benchmarks.torch_peers.gca import GCA
from benchmarks.torch_peers.indexnet import IndexNet
from benchmarks.torch_peers.modnet import MODNet
from benchmarks.torch_peers.p3m import P3MNet
from benchmarks.torch_peers.rvm import rvm_mobilenetv3, rvm_resnet50
from benchmarks.torch_peers.u2net import U2Net, isnet, u2netp
from benchmarks.torch_peers.vitmatte import ViTMatte

PEERS = {
    "dim-skip": partial(DIM, refine=False),
    "dim-refine": partial(DIM, refine=True),
    "indexnet": IndexNet,
    "gca": GCA,
    "fba": FBA,
    "vitmatte-s": ViTMatte,
    "vitmatte-b": partial(ViTMatte, 768, 12),
    "modnet": MODNet,
    "bgmv2-mobilenetv2": bgmv2_mobilenetv2,
    "bgmv2-resnet50": bgmv2_resnet50,
    "bgmv2-resnet101": bgmv2_resnet101,
    "rvm-mobilenetv3": rvm_mobilenetv3,
    "rvm-resnet50": rvm_resnet50,
    "u2net": U2Net,
    "u2netp": u2netp,
    "isnet": isnet,
    "p3m": P3MNet,
    "birefnet-lite": BiRefNet,
}

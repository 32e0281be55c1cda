"""Write the checkpoints of this folder. Needs torch, paddlepaddle and NumPy; the tests do not."""

import argparse
from pathlib import Path

import numpy as np
import paddle
import torch

HERE = Path(__file__).parent
FLOATS = ["float64", "float32", "float16", "bfloat16"]
DTYPES = [*FLOATS, "int8", "int16", "int32", "int64", "uint8", "bool"]


def counted(*shape, dtype=torch.float32):
    return torch.arange(int(np.prod(shape))).reshape(shape).to(dtype)


def dtypes():
    """One tensor of each dtype, and tensors that are views."""
    tensors = {name: counted(2, 3, dtype=getattr(torch, name)) for name in DTYPES}
    base = counted(4, 5)
    tensors |= {
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "base": base,
        "transposed": base.T,
        "corner": base[1:3, 2:],
        "expanded": counted(3)[:, None].expand(3, 2),
        "channels_last": counted(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(counted(3)),
    }
    return tensors


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x))


def training():
    """What a training program saves: the network inside DataParallel, optimiser and all else."""
    net = Net()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2, 4, 4)).sum().backward()
    optimiser.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 4])
    net.load_state_dict({n: counted(*t.shape, dtype=t.dtype) for n, t in net.state_dict().items()})
    return {
        "epoch": 3,
        "state_dict": torch.nn.DataParallel(net).state_dict(),
        "optimizer": optimiser.state_dict(),
        "scheduler": scheduler.state_dict(),
        "loss": torch.tensor(0.5),
        "best": np.float64(0.25),
        "history": np.arange(3),
        "args": argparse.Namespace(lr=0.1, gpus={0, 1}),
    }


def conv():
    """The weights of the smallest network in ../../tiny.py."""
    weight = np.random.default_rng(37).normal(size=(1, 4, 3, 3)).astype(np.float32)
    tensors = {"conv.weight": torch.from_numpy(weight), "conv.bias": torch.tensor([0.1])}
    return {"epoch": 3, "state_dict": {f"module.{name}": t for name, t in tensors.items()}}


def paddle_layer():
    layer = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 3), paddle.nn.BatchNorm2D(3))
    for tensor in layer.state_dict().values():
        tensor.set_value(np.arange(tensor.size, dtype=np.float32).reshape(tensor.shape))
    return layer.state_dict()


def paddle_dtypes():
    return {n: paddle.arange(6, dtype="float32").reshape([2, 3]).astype(n) for n in DTYPES}


if __name__ == "__main__":
    torch.save(dtypes(), HERE / "dtypes.pth")
    torch.save(dtypes(), HERE / "dtypes_before_1.6.pth", _use_new_zipfile_serialization=False)
    torch.save(training(), HERE / "training.tar")
    torch.save(Net(), HERE / "module.pth")
    torch.save(conv(), HERE / "conv.pth")
    torch.jit.script(torch.nn.ReLU()).save(HERE / "script.pt")
    paddle.save(paddle_layer(), str(HERE / "layer.pdparams"))
    paddle.save(paddle_layer(), str(HERE / "layer_protocol_2.pdparams"), protocol=2)
    paddle.save({"model": paddle_layer(), "epoch": 3}, str(HERE / "nested.pdparams"))
    paddle.save(paddle_dtypes(), str(HERE / "dtypes.pdparams"))

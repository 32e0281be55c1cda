"""Deep Image Matting (Xu et al., CVPR 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

VGG = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class DIM(nn.Module):
    """Deep Image Matting, with skip connections, and with refinement or without."""

    def __init__(self, refine: bool):
        super().__init__()
        channels = 4
        for stage, features in enumerate(VGG, 1):
            for layer, count in enumerate(features, 1):
                self.add_module(f"conv{stage}_{layer}", nn.Conv2d(channels, count, 3, padding=1))
                channels = count
        self.conv6_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.deconv6_1 = nn.Conv2d(512, 512, 1)
        for stage, features in zip((5, 4, 3, 2, 1), (512, 256, 128, 64, 64), strict=True):
            self.add_module(f"deconv{stage}_1", nn.Conv2d(channels, features, 5, padding=2))
            channels = features
        self.deconv1 = nn.Conv2d(64, 1, 5, padding=2)
        self.refine = refine
        if refine:
            self.refine_conv1 = nn.Conv2d(4, 64, 3, padding=1)
            self.refine_conv2 = nn.Conv2d(64, 64, 3, padding=1)
            self.refine_conv3 = nn.Conv2d(64, 64, 3, padding=1)
            self.refine_pred = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, image, trimap):
        x, kept = torch.cat([image, trimap], 1), []
        for stage, features in enumerate(VGG, 1):
            for layer in range(1, len(features) + 1):
                x = F.relu(self.get_submodule(f"conv{stage}_{layer}")(x))
            top, places = F.max_pool2d(x, 2, return_indices=True)
            kept.append((x, places))
            x = top
        x = F.relu(self.deconv6_1(F.relu(self.conv6_1(x))))
        for stage in (5, 4, 3, 2, 1):
            encoded, places = kept.pop()
            x = F.max_unpool2d(x, places, 2) + encoded
            x = F.relu(self.get_submodule(f"deconv{stage}_1")(x))
        logit = self.deconv1(x)
        if not self.refine:
            return torch.sigmoid(logit)
        x = torch.cat([image, torch.sigmoid(logit)], 1)
        for layer in self.refine_conv1, self.refine_conv2, self.refine_conv3:
            x = F.relu(layer(x))
        return torch.sigmoid(logit + self.refine_pred(x))

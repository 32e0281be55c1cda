"""What networks look at pictures with: `backbone(x)` returns feature maps, finest first."""

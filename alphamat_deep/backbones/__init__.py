"""Networks that turn pictures into features: `backbone(x)` returns maps of them, finest first."""

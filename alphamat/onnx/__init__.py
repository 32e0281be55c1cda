"""Networks from files in ONNX, without JAX: those of `alphamat export`, and others'.

This needs onnxruntime, of the extra `onnx`.
"""

from alphamat.onnx.matting import OnnxMatting as OnnxMatting
from alphamat.onnx.matting import load as load
from alphamat.onnx.rows import ROWS as ROWS
from alphamat.onnx.rows import Row as Row

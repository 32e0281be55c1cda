"""Networks as files for programs without JAX, each with the proof that it computes the same."""

from alphamat_deep.export.to_onnx import Exported as Exported
from alphamat_deep.export.to_onnx import export_onnx as export_onnx
from alphamat_deep.export.to_stablehlo import export_stablehlo as export_stablehlo

"""Files of weights, whole or damaged."""

import json


def stored(tensors, **changes):
    """Return the bytes of a .safetensors file, whose header may be changed."""
    header, start = {"__metadata__": {"writer": "a test"}}, 0
    for name, tensor in tensors.items():
        stop = start + tensor.nbytes
        code = {2: "F16", 4: "F32", 8: "F64"}[tensor.itemsize]
        header[name] = {"dtype": code, "shape": [*tensor.shape], "data_offsets": [start, stop]}
        start = stop
    header = json.dumps(header | changes).encode()
    body = b"".join(tensor.tobytes() for tensor in tensors.values())
    return len(header).to_bytes(8, "little") + header + body

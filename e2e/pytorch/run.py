"""Computes quantized operators in PyTorch, on one thread.

Each line of the input is a request, each line of the output its answer, in JSON. A request names the engine and the
operator; its tensors are {"dims": [...], "data": base64 of bytes or float32 values in C order, "scales": [...],
"zero": ...}; an answer is the same of the output's integers, or {"error": text}.
"""
import base64
import json
import sys
import warnings

import numpy
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def array(tensor, dtype):
    values = numpy.frombuffer(base64.b64decode(tensor["data"]), dtype).reshape(tensor["dims"])
    return torch.from_numpy(values.copy())


def activation(tensor):
    x = array(tensor, numpy.uint8)
    if x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    return torch._make_per_tensor_quantized_tensor(x, tensor["scales"][0], tensor["zero"])


def weight(tensor):
    w = array(tensor, numpy.int8)
    scales = tensor["scales"]
    if not tensor["per_channel"]:
        return torch._make_per_tensor_quantized_tensor(w, scales[0], 0)
    zeros = torch.zeros(len(scales), dtype=torch.long)
    return torch._make_per_channel_quantized_tensor(w, torch.tensor(scales, dtype=torch.float64), zeros, 0)


def compute(request):
    torch.backends.quantized.engine = request["engine"]
    op, output, relu = request["op"], request.get("output"), request["relu"]
    ops = torch.ops.quantized
    if op == "QuantizeLinear":
        x = array(request["inputs"][0], numpy.float32)
        return torch.quantize_per_tensor(x, output["scales"][0], output["zero"], torch.quint8).int_repr()
    x, *others = (activation(tensor) for tensor in request["inputs"])
    if op == "DequantizeLinear":
        return x.dequantize()
    if op == "GlobalAveragePool":
        return torch.nn.functional.adaptive_avg_pool2d(x, 1).int_repr()
    end = (output["scales"][0], output["zero"])
    if op == "Add":
        return (ops.add_relu if relu else ops.add)(x, others[0], *end).int_repr()
    w, b = weight(request["weight"]), array(request["bias"], numpy.float32)
    if op == "Gemm":
        packed = ops.linear_prepack(w, b)
        return (ops.linear_relu if relu else ops.linear)(x, packed, *end).int_repr()
    pad = request["pads"]
    packed = ops.conv2d_prepack(w, b, [1, 1], pad[:2], [1, 1], request["group"])
    return (ops.conv2d_relu if relu else ops.conv2d)(x, packed, *end).int_repr()


for line in sys.stdin:
    try:
        y = compute(json.loads(line)).contiguous().numpy()
        answer = {"type": str(y.dtype), "dims": list(y.shape), "data": base64.b64encode(y.tobytes()).decode()}
    except Exception as error:  # whatever PyTorch raises for what it does not take
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)

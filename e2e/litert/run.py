"""Runs TensorFlow Lite models in LiteRT, on one thread, in one of its kernel sets.

Each line of the input is a request, each line of the output its answer, in JSON:
{"model": base64, "kernels": "reference" | "builtin" | "xnnpack", "feeds": {name: tensor}} ->
{"tensors": {name: tensor}} or {"error": text}; a tensor is {"type": NumPy's name, "dims": [...], "data": base64 of
little-endian values in C order}. XNNPACK shows the outputs alone, the others every tensor.
"""
import base64
import json
import sys

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType

KERNELS = {
    "reference": OpResolverType.BUILTIN_REF,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "xnnpack": OpResolverType.AUTO,
}


def decode(tensor):
    return numpy.frombuffer(base64.b64decode(tensor["data"]), tensor["type"]).reshape(tensor["dims"])


def encode(array):
    data = base64.b64encode(array.tobytes()).decode()
    return {"type": str(array.dtype), "dims": list(array.shape), "data": data}


def run(model, kernels, feeds):
    interpreter = Interpreter(
        model_content=base64.b64decode(model),
        experimental_op_resolver_type=KERNELS[kernels],
        experimental_preserve_all_tensors=kernels != "xnnpack",
        num_threads=1,
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], decode(feeds[detail["name"]]))
    interpreter.invoke()
    shown = interpreter.get_output_details() if kernels == "xnnpack" else interpreter.get_tensor_details()
    return {detail["name"]: encode(interpreter.get_tensor(detail["index"])) for detail in shown}


for line in sys.stdin:
    try:
        answer = {"tensors": run(**json.loads(line))}
    except Exception as error:  # whatever LiteRT raises for a model that it does not take
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)

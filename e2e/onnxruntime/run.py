"""Runs ONNX models in Python's onnxruntime, at its default optimization level on one thread.

Each line of the input is a request, each line of the output its answer, in JSON:
{"model": base64, "feeds": {name: tensor}} -> {"outputs": {name: tensor}} or {"error": text}; a tensor is
{"type": NumPy's name, "dims": [...], "data": base64 of little-endian values in C order}.
"""
import base64
import json
import sys

import numpy
import onnxruntime

FATAL = 4
onnxruntime.set_default_logger_severity(FATAL)  # errors are answers; nothing has to be logged beside

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = FATAL


def decode(tensor):
    return numpy.frombuffer(base64.b64decode(tensor["data"]), tensor["type"]).reshape(tensor["dims"])


def encode(array):
    data = base64.b64encode(array.tobytes()).decode()
    return {"type": str(array.dtype), "dims": list(array.shape), "data": data}


def run(model, feeds):
    session = onnxruntime.InferenceSession(
        base64.b64decode(model), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    arrays = session.run(names, {name: decode(tensor) for name, tensor in feeds.items()})
    return {name: encode(array) for name, array in zip(names, arrays)}


for line in sys.stdin:
    try:
        answer = {"outputs": run(**json.loads(line))}
    except Exception as error:  # whatever onnxruntime raises for a model that it does not take
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)

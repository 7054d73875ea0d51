"""quantize_static as it is without options, Q/DQ of int8 by int8: quantize.py FLOAT.onnx CALIBRATION.npy QUANTIZED.onnx

CALIBRATION.npy holds one input of the model for each index of its first dimension.
"""
import sys

import numpy
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, quantize_static


class Inputs(CalibrationDataReader):
    def __init__(self, name, arrays):
        self.feeds = iter([{name: array[None]} for array in arrays])

    def get_next(self):
        return next(self.feeds, None)


model, calibration, quantized = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
quantize_static(model, quantized, Inputs(session.get_inputs()[0].name, numpy.load(calibration)))

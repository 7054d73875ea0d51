"""quantize_dynamic of a float model: quantize_dynamic.py FLOAT.onnx QUANTIZED.onnx [WEIGHT_TYPE [per_channel]]"""
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic

model, quantized, *rest = sys.argv[1:]
types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
quantize_dynamic(model, quantized, weight_type=types[rest[0] if rest else "uint8"], per_channel="per_channel" in rest)

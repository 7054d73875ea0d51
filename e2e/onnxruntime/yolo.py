"""A network of YOLOv8n's shape, weights from a seed, as quantize_static makes it of uint8: yolo.py QUANTIZED.onnx SIZE [OPERATOR ...]

Its backbone, neck and head with the distribution focal loss: a Softmax over 16 channels, and a convolution of it.
"""
import os
import sys
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

quantized, size = sys.argv[1], int(sys.argv[2])
operators = sys.argv[3:] or None
random = numpy.random.default_rng(1)
nodes, initializers = [], []
CLASSES, BINS = 80, 16


def constant(value, kind=numpy.float32):
    name = f"c{len(initializers)}"
    initializers.append(numpy_helper.from_array(numpy.asarray(value, kind), name))
    return name


def op(kind, *inputs, outputs=1, **attributes):
    names = [f"{kind.lower()}{len(nodes)}_{i}" for i in range(outputs)]
    nodes.append(helper.make_node(kind, inputs, names, name=f"n{len(nodes)}", **attributes))
    return names[0] if outputs == 1 else names


def conv(x, channels, out, kernel=1, stride=1, activation=True):
    weight = random.normal(0, 1.6 / numpy.sqrt(channels * kernel * kernel), (out, channels, kernel, kernel))
    bias = constant(random.normal(0, 0.3, out))
    pads = [kernel // 2] * 4
    y = op("Conv", x, constant(weight), bias, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)
    return op("Mul", y, op("Sigmoid", y)) if activation else y


def c2f(x, channels, out, count, shortcut):
    half = out // 2
    first, second = op("Split", conv(x, channels, out), constant([half, half], numpy.int64), outputs=2, axis=1)
    parts = [first, second]
    for _ in range(count):
        y = conv(conv(parts[-1], half, half, 3), half, half, 3)
        parts.append(op("Add", parts[-1], y) if shortcut else y)
    return conv(op("Concat", *parts, axis=1), half * (2 + count), out)


def upsample(x):
    return op("Resize", x, "", constant([1, 1, 2, 2]), mode="nearest", nearest_mode="floor",
              coordinate_transformation_mode="asymmetric")


x = conv(conv("images", 3, 16, 3, 2), 16, 32, 3, 2)
x = c2f(x, 32, 32, 1, True)
p3 = c2f(conv(x, 32, 64, 3, 2), 64, 64, 2, True)
p4 = c2f(conv(p3, 64, 128, 3, 2), 128, 128, 2, True)
x = c2f(conv(p4, 128, 256, 3, 2), 256, 256, 1, True)
pools = [conv(x, 256, 128)]
for _ in range(3):
    pools.append(op("MaxPool", pools[-1], kernel_shape=[5, 5], pads=[2] * 4, strides=[1, 1]))
p5 = conv(op("Concat", *pools, axis=1), 512, 256)
n4 = c2f(op("Concat", upsample(p5), p4, axis=1), 384, 128, 1, False)
n3 = c2f(op("Concat", upsample(n4), p3, axis=1), 192, 64, 1, False)
n4 = c2f(op("Concat", conv(n3, 64, 64, 3, 2), n4, axis=1), 192, 128, 1, False)
n5 = c2f(op("Concat", conv(n4, 128, 128, 3, 2), p5, axis=1), 384, 256, 1, False)

scales, anchors, strides = [], [], []
for feature, channels, stride in ((n3, 64, 8), (n4, 128, 16), (n5, 256, 32)):
    boxes = conv(conv(conv(feature, channels, 64, 3), 64, 64, 3), 64, 4 * BINS, activation=False)
    classes = conv(conv(conv(feature, channels, 80, 3), 80, 80, 3), 80, CLASSES, activation=False)
    joined = op("Concat", boxes, classes, axis=1)
    scales.append(op("Reshape", joined, constant([1, 4 * BINS + CLASSES, -1], numpy.int64)))
    side = size // stride
    rows, columns = numpy.meshgrid(numpy.arange(side) + 0.5, numpy.arange(side) + 0.5, indexing="ij")
    anchors.append(numpy.stack([columns.ravel(), rows.ravel()]))
    strides.append(numpy.full(side * side, stride))
anchors, strides = numpy.concatenate(anchors, 1)[None], numpy.concatenate(strides)[None]
all_scales = op("Concat", *scales, axis=2)
boxes, classes = op("Split", all_scales, constant([4 * BINS, CLASSES], numpy.int64), outputs=2, axis=1)
x = op("Reshape", boxes, constant([1, 4, BINS, -1], numpy.int64))
x = op("Softmax", op("Transpose", x, perm=[0, 2, 1, 3]), axis=1)
bins = constant(numpy.arange(BINS).reshape(1, BINS, 1, 1))
x = op("Reshape", op("Conv", x, bins, kernel_shape=[1, 1]), constant([1, 4, -1], numpy.int64))
before, behind = op("Split", x, constant([2, 2], numpy.int64), outputs=2, axis=1)
low, high = op("Sub", constant(anchors), before), op("Add", constant(anchors), behind)
center = op("Div", op("Add", low, high), constant(2))
boxes = op("Mul", op("Concat", center, op("Sub", high, low), axis=1), constant(strides))
nodes.append(helper.make_node("Concat", [boxes, op("Sigmoid", classes)], ["output0"], name="last", axis=1))

graph = helper.make_graph(
    nodes,
    "yolo",
    [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size, size])],
    [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
    initializers,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Inputs(CalibrationDataReader):
    def __init__(self):
        self.feeds = iter([{"images": random.random((1, 3, size, size), numpy.float32)}])

    def get_next(self):
        return next(self.feeds, None)


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "float.onnx")
    onnx.save(model, path)
    quantize_static(path, quantized, Inputs(), activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    op_types_to_quantize=operators)

"""Small networks, one for each pattern that published CNNs have, quantized by onnxruntime's own quantizer.

    python patterns.py [--forms FORM,FORM] FOLDER [PATTERN...]

writes FOLDER/PATTERN.FORM.onnx: the forms are qdq_u8, qdq_s8 and qop of quantize_static, and dynamic of quantize_dynamic.
Needs the packages onnx and onnxruntime.
"""

import argparse
import logging
import os
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

INPUT = [1, 3, 16, 16]
OPSET = 17


class Network:
    """A float network under construction; tensors are named by their operators."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.outputs = [], [], []

    def constant(self, values, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def normal(self, *shape, scale=1.0):
        return self.constant(self.random.normal(0, scale, shape))

    def uniform(self, low, high, *shape):
        return self.constant(self.random.uniform(low, high, shape))

    def __call__(self, op, *inputs, outputs=1, **attributes):
        at = f"{op.lower()}_{len(self.nodes)}"
        names = [f"{at}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, at, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, inputs, outputs, kernel=3, stride=1, groups=1, relu=False, pad=None):
        fan = inputs // groups * kernel * kernel
        weight = self.normal(outputs, inputs // groups, kernel, kernel, scale=(2 / fan) ** 0.5)
        pads = [kernel // 2 if pad is None else pad] * 4
        shape = dict(kernel_shape=[kernel, kernel], pads=pads, strides=[stride, stride], group=groups)
        y = self("Conv", x, weight, self.normal(outputs, scale=0.2), **shape)
        return self("Relu", y) if relu else y

    def gemm(self, x, inputs, outputs):
        weight = self.normal(outputs, inputs, scale=inputs**-0.5)
        return self("Gemm", x, weight, self.normal(outputs, scale=0.2), transB=1)

    def classify(self, x, channels, classes=10):
        return self.gemm(self("Flatten", self("GlobalAveragePool", x), axis=1), channels, classes)

    def model(self, *outputs):
        def value(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes, "pattern", [value("x", INPUT)], [value(y, None) for y in outputs], self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def between(operator):
    """Conv, Relu, an operator of 8 channels, Conv."""

    def build(n):
        return n.conv(operator(n, n.conv("x", 3, 8, relu=True)), 8, 8)

    return build


def behind_conv(operator):
    """Conv, an activation, Conv."""

    def build(n):
        return n.conv(operator(n, n.conv("x", 3, 8)), 8, 8)

    return build


def pool(kind, **attributes):
    return between(lambda n, x: n(kind, x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], **attributes))


def batch_norm(n, x):
    shift = [n.normal(8, scale=0.2), n.normal(8, scale=0.2)]
    return n("BatchNormalization", x, n.uniform(0.5, 1.5, 8), *shift, n.uniform(0.5, 1.5, 8))


def channel_shuffle(n, x):
    groups = n("Reshape", x, n.constant([1, 2, 4, 16, 16], np.int64))
    return n("Reshape", n("Transpose", groups, perm=[0, 2, 1, 3, 4]), n.constant([1, 8, 16, 16], np.int64))


def concat(n):
    x = n.conv("x", 3, 8, relu=True)
    return n.conv(n("Concat", n.conv(x, 8, 4, relu=True), n.conv(x, 8, 4, 1), axis=1), 8, 8)


def split_concat(n, x):
    a, b = n("Split", x, outputs=2, axis=1)
    return n("Concat", n.conv(a, 4, 4, relu=True), b, axis=1)


def conv_transpose(n):
    x = n.conv("x", 3, 8, stride=2, relu=True)
    y = n("ConvTranspose", x, n.normal(8, 8, 2, 2, scale=0.25), kernel_shape=[2, 2], strides=[2, 2])
    return n.conv(y, 8, 8)


def depth_to_space(n):
    return n.conv(n("DepthToSpace", n.conv("x", 3, 12, relu=True), blocksize=2), 3, 8)


def resized(n, x, mode, **attributes):
    return n("Resize", x, "", n.constant([1, 1, 2, 2]), mode=mode, **attributes)


def resize(mode, **attributes):
    return lambda n: n.conv(resized(n, n.conv("x", 3, 8, stride=2, relu=True), mode, **attributes), 8, 8)


NEAREST = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def feature_pyramid(n):
    fine = n.conv("x", 3, 8, stride=2, relu=True)
    coarse = n.conv(fine, 8, 16, stride=2, relu=True)
    top = n.conv(coarse, 16, 8, 1)
    merged = n("Add", n.conv(fine, 8, 8, 1), resized(n, top, **NEAREST))
    return n.conv(merged, 8, 8), n.conv(top, 8, 8)


def ssd_head(n):
    fine = n.conv("x", 3, 8, stride=2, relu=True)
    coarse = n.conv(fine, 8, 8, stride=2, relu=True)

    def rows(values):
        heads = [n("Transpose", n.conv(x, 8, 2 * values), perm=[0, 2, 3, 1]) for x in (fine, coarse)]
        flat = [n("Reshape", head, n.constant([1, -1, values], np.int64)) for head in heads]
        return n("Concat", *flat, axis=1)

    return rows(4), n("Softmax", rows(5), axis=-1)


def yolo_focus(n):
    def part(row, column):
        operands = [n.constant(v, np.int64) for v in ([row, column], [2**31 - 1] * 2, [2, 3], [2, 2])]
        return n("Slice", "x", *operands)

    parts = [part(row, column) for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    return n.conv(n.conv(n("Concat", *parts, axis=1), 12, 8, relu=True), 8, 8)


def gelu(n, x):
    erf = n("Erf", n("Div", x, n.constant(2**0.5)))
    return n("Mul", n("Mul", x, n("Add", erf, n.constant(1.0))), n.constant(0.5))


def sigmoid_gate(n, x):
    squeezed = n.conv(n.conv(n("GlobalAveragePool", x), 8, 4, 1, relu=True), 4, 8, 1)
    return n("Mul", x, n("Sigmoid", squeezed))


def matmul_add(n):
    x = n.conv("x", 3, 8, stride=2, relu=True)
    flat = n("Reshape", x, n.constant([1, 512], np.int64))
    return n("Add", n("MatMul", flat, n.normal(512, 10, scale=0.05)), n.normal(10, scale=0.2))


def normalize_in_graph(n):
    mean, deviation = [n.constant(np.reshape(v, (1, 3, 1, 1))) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    return n.conv(n.conv(n("Div", n("Sub", "x", mean), deviation), 3, 8, relu=True), 8, 8)


def pad_conv(n):
    padded = n("Pad", "x", n.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), n.constant(0.0))
    return n.conv(n.conv(padded, 3, 8, relu=True, pad=0), 8, 8)


def reduced(op):
    return lambda n: n.gemm(n(op, n.conv("x", 3, 8, relu=True), axes=[2, 3], keepdims=0), 8, 10)


def softmax_end(n):
    return n("Softmax", n.classify(n.conv("x", 3, 8, stride=2, relu=True), 8), axis=1)


def sub(n):
    x = n.conv("x", 3, 8, relu=True)
    return n.conv(n("Sub", n.conv(x, 8, 8), x), 8, 8)


def residual_block(n):
    x = n.conv("x", 3, 8, relu=True)
    y = n.conv(n.conv(x, 8, 8, groups=8, relu=True), 8, 8, 1)
    return n.classify(n("Relu", n("Add", x, y)), 8)


def plain_chain(n):
    x = n.conv("x", 3, 8, relu=True)
    return n.classify(n.conv(n.conv(x, 8, 8, groups=8, relu=True), 8, 16, stride=2, relu=True), 16)


def channel_constant(op):
    return between(lambda n, x: n(op, x, n.uniform(0.5, 1.5, 1, 8, 1, 1)))


def instance_norm(n, x):
    return n("InstanceNormalization", x, n.uniform(0.5, 1.5, 8), n.normal(8, scale=0.2))


PATTERNS = {
    "add_channel_constant": channel_constant("Add"),
    "mul_channel_constant": channel_constant("Mul"),
    "average_pool": pool("AveragePool", count_include_pad=0),
    "average_pool_padding_counted": pool("AveragePool", count_include_pad=1),
    "batch_norm": between(batch_norm),
    "channel_shuffle": between(channel_shuffle),
    "concat": concat,
    "split_concat": between(split_concat),
    "conv_transpose": conv_transpose,
    "depth_to_space": depth_to_space,
    "feature_pyramid": feature_pyramid,
    "ssd_head": ssd_head,
    "yolo_focus": yolo_focus,
    "gelu": behind_conv(gelu),
    "hard_swish": behind_conv(lambda n, x: n("HardSwish", x)),
    "silu": behind_conv(lambda n, x: n("Mul", x, n("Sigmoid", x))),
    "instance_norm": behind_conv(instance_norm),
    "leaky_relu": behind_conv(lambda n, x: n("LeakyRelu", x, alpha=0.1)),
    "prelu": behind_conv(lambda n, x: n("PRelu", x, n.uniform(0.05, 0.4, 8, 1, 1))),
    "tanh": behind_conv(lambda n, x: n("Tanh", x)),
    "sigmoid_gate": between(sigmoid_gate),
    "matmul_add": matmul_add,
    "max_pool": pool("MaxPool"),
    "normalize_in_graph": normalize_in_graph,
    "pad_conv": pad_conv,
    "reduce_max": reduced("ReduceMax"),
    "reduce_mean": reduced("ReduceMean"),
    "relu6": behind_conv(lambda n, x: n("Clip", x, n.constant(0.0), n.constant(6.0))),
    "resize_linear": resize("linear", coordinate_transformation_mode="half_pixel"),
    "resize_nearest": resize(**NEAREST),
    "softmax_end": softmax_end,
    "sub": sub,
    "residual_block": residual_block,
    "plain_chain": plain_chain,
}


class Images(CalibrationDataReader):
    """A few random pictures."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        self.left = [{"x": random.uniform(-1, 1, INPUT).astype(np.float32)} for _ in range(4)]

    def get_next(self):
        return self.left.pop() if self.left else None


UNSIGNED, SIGNED = QuantType.QUInt8, QuantType.QInt8
FORMS = {
    "qdq_u8": dict(quant_format=QuantFormat.QDQ, activation_type=UNSIGNED, weight_type=SIGNED),
    "qdq_s8": dict(quant_format=QuantFormat.QDQ, activation_type=SIGNED, weight_type=SIGNED),
    "qop": dict(quant_format=QuantFormat.QOperator, activation_type=UNSIGNED, weight_type=SIGNED),
    "dynamic": None,
}


def write(folder, name, seed, forms):
    network = Network(seed)
    outputs = PATTERNS[name](network)
    model = network.model(*([outputs] if isinstance(outputs, str) else outputs))
    for form in forms:
        options = FORMS[form]
        with tempfile.TemporaryDirectory() as scratch:
            source = os.path.join(scratch, "float.onnx")
            target = os.path.join(folder, f"{name}.{form}.onnx")
            onnx.save(model, source)
            if options is None:
                quantize_dynamic(source, target, weight_type=UNSIGNED)
            else:
                quantize_static(source, target, Images(seed), **options)


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    parser = argparse.ArgumentParser()
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("folder")
    parser.add_argument("patterns", nargs="*", default=list(PATTERNS))
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    for name in arguments.patterns or PATTERNS:
        write(arguments.folder, name, list(PATTERNS).index(name) + 1, arguments.forms.split(","))

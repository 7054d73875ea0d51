"""Quantized operators of PyTorch, each a TorchScript file: operators.py ENGINE SEED COUNT [NAME...]

Prints a line of JSON for each: its name, the file, the input and the output, all in base64. Scales and values are such that
results lie where the operator steps.
"""
import base64
import io
import json
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
import torch.ao.nn.quantized as nnq
from torch import nn

ops = torch.ops.quantized


class Operator(nn.Module):
    def __init__(self, f, scale, zero, channels_last):
        super().__init__()
        self.f, self.scale, self.zero, self.channels_last = f, scale, zero, channels_last

    def forward(self, x):
        q = torch.quantize_per_tensor(x, self.scale, self.zero, torch.quint8)
        if self.channels_last:
            q = q.contiguous(memory_format=torch.channels_last)
        return self.f(q).dequantize()


class Draw:
    """An operator's input and numbers."""

    def __init__(self, rng, index):
        self.rng = rng
        self.scale, self.zero = float(np.exp(rng.uniform(-5, 1))), self.integer(0, 255)
        if rng.random() < 0.5:
            self.scale = float(np.float32(self.scale))
        self.shape = [self.integer(1, 2), self.integer(1, 40), self.integer(3, 9), self.integer(3, 9)]
        self.channels_last = index % 4 != 3

    def integer(self, least, most):
        return int(self.rng.integers(least, most + 1))

    def input(self):
        """Every value of the type, or few of them, whose sums are ties more often."""
        least, most = (0, 255) if self.rng.random() < 0.5 else sorted(self.rng.integers(0, 256, 2))
        q = self.rng.integers(least, most + 1, self.shape)
        return torch.from_numpy(((q - self.zero) * np.float64(self.scale)).astype(np.float32))

    def real(self):
        """A value of the input."""
        return (self.integer(0, 255) - self.zero) * self.scale

    def quantization(self, value):
        """Of an output, in which the value is a tie or nearly one."""
        zero = self.integer(0, 255)
        code = self.integer(0, 255) - zero + 0.5
        scale = abs(value / code) or 0.01
        scale = float(np.clip(scale, 1e-4, 10)) * (1 + self.integer(-2, 2) * 2.0 ** -24)
        return scale, zero


class Two(nn.Module):
    """f(x, x with another quantization)."""

    def __init__(self, f, d):
        super().__init__()
        self.f, self.scale, self.zero = f, float(np.exp(d.rng.uniform(-4, 0))), d.integer(0, 255)

    def values(self, x):
        return x, (min(max(round(x / self.scale) + self.zero, 0), 255) - self.zero) * self.scale

    def forward(self, q):
        moved = torch.quantize_per_tensor(q.dequantize(), self.scale, self.zero, torch.quint8)
        return self.f(q, moved)


def hardswish(x):
    return x * min(max(x + 3, 0), 6) / 6


def scaled_to(d, f):
    """The input's scale is such that a value is about (k + 0.5) / 256 of a function that rises from 0 to 1."""
    q, k = d.integer(1, 255), d.integer(8, 246)
    if q == d.zero:
        return
    wanted, low, high = (k + 0.5) / 256, -8.0, 8.0
    for _ in range(200):
        low, high = ((low + high) / 2, high) if f((low + high) / 2) < wanted else (low, (low + high) / 2)
    if low / (q - d.zero) > 1e-3:
        d.scale = low / (q - d.zero) * (1 + d.integer(-2, 2) * 2.0 ** -24)


def hardsigmoid(d):
    scaled_to(d, lambda x: min(max(x + 3, 0), 6) / 6)
    return F.hardsigmoid


def sigmoid(d):
    scaled_to(d, lambda x: 1 / (1 + np.exp(-x)))
    return torch.sigmoid


def clamp(d):
    bounds = sorted((d.real() + d.scale * d.integer(-1, 1) / 2, d.real() + d.scale / 2))
    return [lambda q: F.hardtanh(q, *bounds), lambda q: torch.clamp(q, *bounds)][d.integer(0, 1)]


def relu6(d):
    d.scale = 6 / (d.integer(1, 300) + 0.5) * (1 + d.integer(-2, 2) * 2.0 ** -24)
    return [F.relu6, nn.ReLU6(), ops.relu6][d.integer(0, 2)]


def leaky_relu(d):
    slope = float(d.rng.uniform(0, 1))
    end = d.quantization(d.real() * slope)
    return lambda q: ops.leaky_relu(q, slope, False, *end)


def swish(d):
    end = d.quantization(hardswish(d.real()))
    return lambda q: ops.hardswish(q, *end)


def pair(name, real):
    def make(d):
        module = Two(lambda a, b: getattr(ops, name)(a, b, *end), d)
        end = d.quantization(real(*module.values(d.real())))
        return module
    return make


add, mul = (lambda a, b: a + b), (lambda a, b: a * b)


def scalar(name):
    def make(d):
        value = [d.real(), (d.integer(-300, 300) + 0.5) * d.scale, float(d.rng.normal()), 0.0][d.integer(0, 3)]
        return lambda q: getattr(ops, name)(q, value)
    return make


def cat(d):
    end, axis = d.quantization(d.real()), [1, 1, 1, 2, 3][d.integer(0, 4)]
    relu = d.rng.random() < 0.3
    return Two(lambda a, b: (ops.cat_relu if relu else ops.cat)([a, b], axis, *end), d)


def max_pool(d):
    size, stride, ceil = d.integer(2, 3), d.integer(1, 3), d.rng.random() < 0.5
    return lambda q: F.max_pool2d(q, size, stride, d_pad(size), 1, ceil)


def d_pad(size):
    return size // 2


def average_pool(d):
    size, stride, pad = d.integer(1, 3), d.integer(1, 3), 0
    if size > 1:
        pad = d.integer(0, 1)
    ceil, includes = d.rng.random() < 0.3, d.rng.random() < 0.5
    return lambda q: F.avg_pool2d(q, size, stride, pad, ceil, includes)


def adaptive_pool(d):
    size = [1, [d.shape[2], d.shape[3]], d.integer(1, 4), [d.integer(1, 3), 1]][d.integer(0, 3)]
    if d.rng.random() < 0.5:
        d.shape[2:] = [6, 8]
        size = [[3, 4], [2, 8], [6, 2]][d.integer(0, 2)]
    return lambda q: F.adaptive_avg_pool2d(q, size)


def mean(d):
    keep = d.rng.random() < 0.5
    d.shape[2:] = [[7, 7], [3, 3], [4, 4], [8, 8], [2, 2], [3, 2], [12, 12]][d.integer(0, 6)]
    d.shape[1] = [d.integer(1, 9), 32, 64, d.integer(1, 80)][d.integer(0, 3)]
    return lambda q: q.mean([2, 3], keepdim=keep)


def nearest(d):
    if d.rng.random() < 0.5:
        size = [d.integer(1, 20), d.integer(1, 20)]
        return lambda q: F.interpolate(q, size, mode='nearest')
    scale = [2, 2.0, 3.0, 1.5][d.integer(0, 3)]
    return lambda q: F.interpolate(q, scale_factor=scale, mode='nearest')


def weights(d, shape, outputs):
    w = torch.from_numpy(d.rng.integers(-128, 128, shape).astype(np.int8))
    if d.rng.random() < 0.5:
        return torch._make_per_tensor_quantized_tensor(w, float(np.exp(d.rng.uniform(-6, -3))), 0)
    scales = torch.from_numpy(np.exp(d.rng.uniform(-6, -3, outputs)))
    return torch._make_per_channel_quantized_tensor(w, scales, torch.zeros(outputs, dtype=torch.long), 0)


def convolution(d, module, w, bias):
    module.set_weight_bias(w, torch.from_numpy(d.rng.normal(size=bias).astype(np.float32)))
    module.scale, module.zero_point = float(np.exp(d.rng.uniform(-2, 2))), d.integer(0, 255)
    return module


def linear(d):
    d.channels_last, d.shape = False, [2, d.integer(1, 5), d.integer(1, 40)][d.integer(0, 1):]
    o = d.integer(1, 20)
    return convolution(d, nnq.Linear(d.shape[-1], o), weights(d, [o, d.shape[-1]], o), o)


def shuffle(d):
    d.shape[1] = 2 * d.integer(1, 20)

    def f(q):
        n, c, h, w = q.size()
        return torch.transpose(q.view(n, 2, c // 2, h, w), 1, 2).contiguous().view(n, c, h, w)
    d.channels_last = False
    return f


def parts(d):
    d.shape[1] = 3 * d.integer(1, 13)
    return [lambda q: q.chunk(3, 1)[1], lambda q: torch.split(q, d.shape[1] // 3, 1)[2], lambda q: q[:, 1:],
            lambda q: q[:, :, 1:, ::2]][d.integer(0, 3)]


def moves(d):
    return [lambda q: q.permute(0, 2, 3, 1), lambda q: torch.flatten(q, 1), lambda q: q.transpose(1, 3),
            lambda q: q.reshape(q.shape[0], -1), lambda q: F.dropout(q, 0.5, False), lambda q: q.unsqueeze(2).squeeze(2),
            lambda q: torch.flatten(q, 2)][d.integer(0, 6)]


OPERATORS = {
    'relu': lambda d: F.relu, 'relu6': relu6, 'clamp': clamp, 'hardswish': swish, 'hardsigmoid': hardsigmoid,
    'sigmoid': sigmoid, 'leaky_relu': leaky_relu, 'add': pair('add', add), 'add_relu': pair('add_relu', add),
    'mul': pair('mul', mul), 'mul_relu': pair('mul_relu', mul), 'add_scalar': scalar('add_scalar'),
    'add_scalar_relu': scalar('add_scalar_relu'), 'mul_scalar': scalar('mul_scalar'),
    'mul_scalar_relu': scalar('mul_scalar_relu'), 'cat': cat, 'max_pool2d': max_pool, 'avg_pool2d': average_pool,
    'adaptive_avg_pool2d': adaptive_pool, 'mean': mean, 'nearest': nearest, 'linear': linear, 'shuffle': shuffle, 'parts': parts, 'moves': moves,
}


def encode(data):
    return base64.b64encode(data).decode()


warnings.simplefilter('ignore')
torch.set_num_threads(1)
engine, seed, count, *names = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
torch.backends.quantized.engine = engine
for name in names or OPERATORS:
    make = OPERATORS[name]
    for index in range(count):
        d = Draw(np.random.default_rng([seed, index, *name.encode()]), index)
        case = {'name': f'{name}/{index}'}
        try:
            f = make(d)
            x = d.input()
            channels_last = d.channels_last and len(d.shape) == 4
            model = Operator(f, d.scale, d.zero, channels_last).eval()
            with torch.no_grad():
                y = model(x).contiguous()
                traced = torch.jit.trace(model, x, check_trace=False)
            file = io.BytesIO()
            torch.jit.save(traced, file)
            feed = {'key': 'input', 'type': 'float32', 'dims': list(x.shape), 'data': encode(x.contiguous().numpy().tobytes())}
            case |= {'model': encode(file.getvalue()), 'feeds': [feed], 'expected': encode(y.numpy().tobytes()),
                     'about': f'{d.shape} channels_last={channels_last}'}
        except RuntimeError as error:  # what the engine does not take
            case['error'] = str(error).split('\n')[0]
        print(json.dumps(case))

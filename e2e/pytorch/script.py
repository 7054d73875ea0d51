"""Quantizes two small networks with seeded weights for each engine, and saves them as TorchScript: script.py FOLDER ENGINE...

Writes NETWORK_ENGINE.pt and NETWORK_ENGINE.npz, what the engine computes.
"""
import runpy
import sys
import warnings

import torch
import torch.ao.quantization as quantization
from torch import nn

record = runpy.run_path('examples/pytorch/record_trace.py')['record']


class Residual(nn.Module):
    """Widths that are no multiples of eight, where cat has another loop; averages, adds and products with tails."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.stem, self.relu, self.side = nn.Conv2d(3, 20, 3, 2, 1), nn.ReLU(), nn.Conv2d(20, 13, 1)
        self.body = nn.Conv2d(33, 16, 3, padding=1)
        self.cat, self.add, self.mul = (nn.quantized.FloatFunctional() for _ in range(3))
        self.leaky, self.swish, self.gate = nn.LeakyReLU(0.2), nn.Hardswish(), nn.Hardsigmoid()
        self.average, self.plane, self.fc = nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Linear(16, 11)

    def forward(self, x):
        x = self.relu(self.stem(self.quant(x)))
        x = self.body(self.cat.cat([x, self.side(x)], 1))
        x = self.add.add_relu(x, self.leaky(x))
        x = self.mul.mul(x, self.gate(self.plane(x)))
        x = self.swish(self.average(x))
        return self.dequant(self.fc(torch.flatten(self.plane(x), 1)))


class Shuffle(nn.Module):
    """Halves of the channels, one of them through a convolution, and shuffled, as in ShuffleNet."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.stem, self.point, self.last = nn.Conv2d(3, 116, 3, 2, 1), nn.Conv2d(58, 58, 1), nn.Conv2d(116, 24, 1)
        self.cat, self.plane, self.fc = nn.quantized.FloatFunctional(), nn.AdaptiveAvgPool2d(1), nn.Linear(24, 5)

    def forward(self, x):
        a, b = self.stem(self.quant(x)).chunk(2, 1)
        x = self.cat.cat([a, self.point(b)], 1)
        n, c, h, w = x.size()
        x = torch.transpose(x.view(n, 2, c // 2, h, w), 1, 2).contiguous().view(n, c, h, w)
        return self.dequant(self.fc(torch.flatten(self.plane(self.last(x)), 1)))


warnings.simplefilter('ignore')
torch.set_num_threads(1)
folder, *engines = sys.argv[1:]
for engine in engines:
    torch.backends.quantized.engine = engine
    for network in (Residual, Shuffle):
        torch.manual_seed(1)
        model = network().eval()
        model.qconfig = quantization.get_default_qconfig(engine)
        quantization.prepare(model, inplace=True)
        with torch.no_grad():
            for _ in range(4):
                model(torch.randn(1, 3, 33, 47))
        quantization.convert(model, inplace=True)
        x = torch.randn(1, 3, 33, 47)
        name = f'{folder}/{network.__name__}_{engine}'
        torch.jit.save(torch.jit.trace(model, x), f'{name}.pt')
        record(model, x, f'{name}.npz')

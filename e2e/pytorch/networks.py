"""Quantizes networks with seeded weights, calibrated on photographs: networks.py FOLDER PHOTO... -- NETWORK:ENGINE...

Writes NETWORK_ENGINE.traced.pt, .scripted.pt where PyTorch can, .pth (the state_dict), and .npz, what the engine computes.
And what else people save: the state_dict as .model.pth, .state_dict.pth and .parallel.pth; .module.pt, the pickled module;
.float.pth and .float.pt, of the network that is not quantized.
Networks: `Plain`, `Residual` and `Shuffle` of this file, and torchvision's, which need torchvision.
"""
import runpy
import sys
import warnings

import numpy as np
import torch
import torch.ao.quantization as quantization
from PIL import Image
from torch import nn

record = runpy.run_path('examples/pytorch/record_trace.py')['record']

OPTIONS = {name: {'init_weights': False, 'aux_logits': False} for name in ('googlenet', 'inception_v3')}
SIZE = {'inception_v3': 107, 'Plain': 53, 'Residual': 33, 'Shuffle': 33}


class Plain(nn.Sequential):
    """What most people begin with."""

    def __init__(self):
        super().__init__(
            quantization.QuantStub(),
            nn.Conv2d(3, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, groups=4), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1, groups=24), nn.ReLU(),
            nn.Conv2d(24, 30, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2),
            nn.Linear(30, 10), quantization.DeQuantStub())

    def fuse_model(self, is_qat):
        quantization.fuse_modules(self, [['1', '2', '3'], ['5', '6']], inplace=True)


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
        self.cat, self.mul, self.swish = (*(nn.quantized.FloatFunctional() for _ in range(2)), nn.Hardswish())
        self.average, self.plane, self.fc = nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Linear(24, 5)

    def forward(self, x):
        a, b = self.stem(self.quant(x)).chunk(2, 1)
        x = self.cat.cat([a, self.point(b)], 1)
        n, c, h, w = x.size()
        x = torch.transpose(x.view(n, 2, c // 2, h, w), 1, 2).contiguous().view(n, c, h, w)
        x = self.average(self.swish(self.last(x)))
        return self.dequant(self.fc(torch.flatten(self.plane(self.mul.mul(x, x)), 1)))


def torchvision_network(name):
    # PyPI's torchvision is built for another build of PyTorch: its own operators, which are not used here, are missing.
    register_fake = torch.library.register_fake
    torch.library.register_fake = lambda name, *args, **kwargs: (
        (lambda function: function) if str(name).startswith('torchvision::') else register_fake(name, *args, **kwargs))
    import torchvision.models.quantization as networks
    torch.library.register_fake = register_fake
    return getattr(networks, name)(quantize=False, **OPTIONS.get(name, {}))


def picture(path, size):
    """Normalized as torchvision's weights want it, float32 NCHW."""
    pixels = np.asarray(Image.open(path).convert('RGB').resize((size + 12, size)), np.float32) / 255
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None])


def seeded(name):
    torch.manual_seed(0)
    model = (globals()[name]() if name in globals() else torchvision_network(name)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: no two channels alike
            module.running_var.uniform_(0.3, 2)
            module.running_mean.normal_(0, 0.3)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    return model


def quantized(model, engine, pictures):
    if hasattr(model, 'fuse_model'):
        model.fuse_model(is_qat=False)
    torch.backends.quantized.engine = engine
    model.qconfig = quantization.get_default_qconfig(engine)
    quantization.prepare(model, inplace=True)
    with torch.no_grad():
        for x in pictures:
            model(x)
    return quantization.convert(model, inplace=True)


def save_as_people_do(model, path):
    state = model.state_dict()
    torch.save(state, f'{path}.pth')
    torch.save({'model': state, 'epoch': 3}, f'{path}.model.pth')
    torch.save({'state_dict': state, 'optimizer': {}}, f'{path}.state_dict.pth')
    torch.save({'model': {f'module.{key}': value for key, value in state.items()}}, f'{path}.parallel.pth')
    torch.save(model, f'{path}.module.pt')


warnings.simplefilter('ignore')
torch.set_num_threads(1)
end = sys.argv.index('--')
folder, *photos = sys.argv[1:end]
for wanted in sys.argv[end + 1:]:
    name, engine = wanted.split(':')
    pictures = [picture(photo, SIZE.get(name, 75)) for photo in photos]
    path = f'{folder}/{name}_{engine}'
    model = seeded(name)
    torch.save(model.state_dict(), f'{path}.float.pth')
    torch.jit.save(torch.jit.trace(model, pictures[0]), f'{path}.float.pt')
    model = quantized(model, engine, pictures)
    save_as_people_do(model, path)
    torch.jit.save(torch.jit.trace(model, pictures[0]), f'{path}.traced.pt')
    try:
        torch.jit.save(torch.jit.script(model), f'{path}.scripted.pt')
    except RuntimeError as error:
        print(f'{wanted} cannot be scripted: {error}')
    record(model, pictures[0], f'{path}.npz')

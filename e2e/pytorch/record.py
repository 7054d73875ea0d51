"""Has examples/pytorch record traces of a quantized MobileNetV2 with seeded weights: record.py FOLDER WIDTH MADE ENGINE...

Writes model.pth, which is quantized as is usual for the engine MADE, input.npy, and ENGINE.npz of each.
"""
import runpy
import sys
import warnings

import numpy as np
import torch

# PyPI's torchvision is built for another build of PyTorch: its own operators, which are not used here, are missing.
register_fake = torch.library.register_fake
torch.library.register_fake = lambda name, *args, **kwargs: (
    (lambda function: function) if str(name).startswith('torchvision::') else register_fake(name, *args, **kwargs))

import torch.ao.quantization as quantization
from torchvision.models.quantization import mobilenet_v2

CLASSES = {'0.35': 7, '1.4': 10}


def make(width, engine, path):
    model = mobilenet_v2(width_mult=float(width), num_classes=CLASSES[width])
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: no two channels alike
            module.running_var.uniform_(0.3, 2)
            module.running_mean.normal_(0, 0.3)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    model.eval()
    model.fuse_model(is_qat=False)
    torch.backends.quantized.engine = engine
    model.qconfig = quantization.get_default_qconfig(engine)
    quantization.prepare(model, inplace=True)
    with torch.no_grad():
        for _ in range(2):
            model(torch.randn(1, 3, 224, 224))
    quantization.convert(model, inplace=True)
    torch.save(model.state_dict(), path)


warnings.simplefilter('ignore')
torch.manual_seed(0)
torch.set_num_threads(1)
folder, width, made, *engines = sys.argv[1:]
model, picture = f'{folder}/model.pth', f'{folder}/input.npy'
make(width, made, model)
np.save(picture, np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32))
for engine in engines:
    sys.argv[1:] = [model, picture, f'{folder}/{engine}.npz', '--engine', engine, '--width', width]
    runpy.run_path('examples/pytorch/record_trace.py', run_name='__main__')

"""Quantizes torchvision's networks with seeded weights, calibrated on photographs: torchvision_networks.py FOLDER PHOTO... -- NETWORK:ENGINE...

Writes NETWORK_ENGINE.traced.pt, .scripted.pt where PyTorch can, .pth (the state_dict), and .npz, what the engine computes.
"""
import runpy
import sys
import warnings

import numpy as np
import torch
from PIL import Image

# PyPI's torchvision is built for another build of PyTorch: its own operators, which are not used here, are missing.
register_fake = torch.library.register_fake
torch.library.register_fake = lambda name, *args, **kwargs: (
    (lambda function: function) if str(name).startswith('torchvision::') else register_fake(name, *args, **kwargs))

import torch.ao.quantization as quantization
import torchvision.models.quantization as networks

record = runpy.run_path('examples/pytorch/record_trace.py')['record']

OPTIONS = {name: {'init_weights': False, 'aux_logits': False} for name in ('googlenet', 'inception_v3')}
SIZE = {'inception_v3': 107}


def picture(path, size):
    """Normalized as torchvision's weights want it, float32 NCHW."""
    pixels = np.asarray(Image.open(path).convert('RGB').resize((size + 12, size)), np.float32) / 255
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None])


def quantized(name, engine, pictures):
    torch.manual_seed(0)
    model = getattr(networks, name)(quantize=False, **OPTIONS.get(name, {})).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: no two channels alike
            module.running_var.uniform_(0.3, 2)
            module.running_mean.normal_(0, 0.3)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    model.fuse_model(is_qat=False)
    torch.backends.quantized.engine = engine
    model.qconfig = quantization.get_default_qconfig(engine)
    quantization.prepare(model, inplace=True)
    with torch.no_grad():
        for x in pictures:
            model(x)
    return quantization.convert(model, inplace=True)


warnings.simplefilter('ignore')
torch.set_num_threads(1)
end = sys.argv.index('--')
folder, *photos = sys.argv[1:end]
for wanted in sys.argv[end + 1:]:
    name, engine = wanted.split(':')
    pictures = [picture(photo, SIZE.get(name, 75)) for photo in photos]
    model = quantized(name, engine, pictures)
    path = f'{folder}/{name}_{engine}'
    torch.save(model.state_dict(), f'{path}.pth')
    torch.jit.save(torch.jit.trace(model, pictures[0]), f'{path}.traced.pt')
    try:
        torch.jit.save(torch.jit.script(model), f'{path}.scripted.pt')
    except RuntimeError as error:
        print(f'{wanted} cannot be scripted: {error}')
    record(model, pictures[0], f'{path}.npz')

"""Records what every module of a quantized PyTorch model computes, as an .npz to compare exact8 with.

    from record_trace import record
    record(model, x, 'trace.npz')           # your converted model, a float32 NCHW tensor

or, for a state_dict of torchvision's quantized MobileNetV2:

    python record_trace.py model.pth input.npy trace.npz --engine qnnpack [--width 0.35]

The file holds `input`, every quantized tensor that a module returns (uint8, NCHW) under the module's name, `<name>:qparams`
([scale, zero point]), `output`, and `meta`: JSON in UTF-8 bytes. Needs PyTorch 1.13 to 2.13.
"""
import argparse
import json
import os
import platform

import numpy as np
import torch

SKIP = '.activation_post_process'  # the only part of a quantized add that hooks can see


def cpu_features():
    """The instructions that decide how fbgemm, onednn and x86 compute; [] where the system does not tell."""
    try:
        with open('/proc/cpuinfo') as lines:
            flags = next(line for line in lines if line.startswith('flags')).split()
    except (OSError, StopIteration):
        return []
    return [flag for flag in flags if flag.startswith(('avx', 'amx', 'vnni'))]


def meta():
    return {
        'engine': torch.backends.quantized.engine,
        'version': torch.__version__,
        'machine': platform.machine(),
        'cpu': cpu_features(),
        'fbgemm_enable_instructions': os.environ.get('FBGEMM_ENABLE_INSTRUCTIONS'),
        'threads': torch.get_num_threads(),
    }


def record(model, x, path):
    """Runs `model` on `x` (float32, NCHW) under the engine that it was loaded with; returns the model's output."""
    arrays = {'input': x.numpy()}
    kept, calls = [], {}

    def keep(name, tensor):  # of modules that return the same tensor, the innermost: its hook comes first
        if torch.is_tensor(tensor) and tensor.is_quantized and not any(tensor is other for other in kept):
            kept.append(tensor)
            calls[name] = calls.get(name, -1) + 1
            if calls[name] > 0:  # a module that is called again
                name = f'{name}_{calls[name]}'
            arrays[name] = np.ascontiguousarray(tensor.int_repr().numpy())
            arrays[name + ':qparams'] = np.array([tensor.q_scale(), tensor.q_zero_point()])

    hooks = []
    for name, module in model.named_modules():
        target = name[:-len(SKIP)] if name.endswith(SKIP) else name
        hooks.append(module.register_forward_hook(lambda _, __, y, target=target: keep(target, y)))
    if not hasattr(model, 'avgpool') and hasattr(model, 'classifier'):  # torchvision's MobileNetV2 pools between its modules
        hooks.append(model.classifier.register_forward_pre_hook(lambda _, inputs: keep('avgpool', inputs[0])))
    with torch.no_grad():
        output = model(x)
    for hook in hooks:
        hook.remove()
    arrays['output'] = output.numpy()
    arrays['meta'] = np.frombuffer(json.dumps(meta()).encode(), np.uint8)
    np.savez_compressed(path, **arrays)
    return output


def load_mobilenet_v2(path, engine, width):
    """The weights are packed for the engine when they are loaded, so it is chosen first."""
    from torchvision.models.quantization import mobilenet_v2
    from torchvision.models.quantization.utils import quantize_model

    state = torch.load(path, map_location='cpu')
    classes = len(state['classifier.1._packed_params._packed_params'][1])
    model = mobilenet_v2(width_mult=width, num_classes=classes)
    quantize_model(model, 'qnnpack' if engine == 'qnnpack' else 'fbgemm')
    torch.backends.quantized.engine = engine
    model.load_state_dict(state)
    return model.eval()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model', help="state_dict of torchvision's quantized MobileNetV2 (.pth)")
    parser.add_argument('input', help='float32 NCHW array (.npy)')
    parser.add_argument('out', help='the trace (.npz)')
    parser.add_argument('--engine', default='x86', choices=torch.backends.quantized.supported_engines)
    parser.add_argument('--width', type=float, default=1.0, help='width multiplier of the model')
    parser.add_argument('--threads', type=int, default=1, help='adds depend on it')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    record(load_mobilenet_v2(args.model, args.engine, args.width), torch.from_numpy(np.load(args.input)), args.out)
    print(args.out, json.dumps(meta()))

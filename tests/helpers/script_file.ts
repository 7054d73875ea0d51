import { strToU8, zipSync } from 'fflate';
import { call, dict, global, none, pickle, text, TorchFile, tuple, type Pickled } from './torch_file.ts';

const object = (module: string, name: string, state: Pickled): Pickled => [
  ...global(module, name),
  ...tuple(),
  0x81,
  ...state,
  0x62,
];

/** What a small network does with x, its input, as quantized; `y` is dequantized and returned. */
export const SCRIPT_BODY: readonly string[] = [
  'conv = self.conv',
  'q = torch.quantize_per_tensor(x, 0.10000000000000001, 128, 13)',
  'a = (conv).forward(q, )',
  '_0 = ops.quantized.cat([a, torch.relu(a)], 1, 0.5, 3)',
  'b = torch.max_pool2d(_0, [2, 2], [2, 2], [0, 0], [1, 1])',
  'n, c, h, w, = torch.size(b)',
  'g = torch.view(b, [n, 2, torch.floordiv(c, 2), h, w])',
  'y = torch.reshape(torch.transpose(g, 1, 2), [n, c, h, w])',
];

/** What another does with the convolution's result, a. */
export const OPERATORS_BODY: readonly string[] = [
  'q = torch.quantize_per_tensor(x, 0.10000000000000001, 128, 13)',
  'conv = self.conv',
  'a = (conv).forward(q, )',
  'r = torch.hardtanh(a, -1., 1.)',
  'm = torch.mean(ops.quantized.add_scalar(r, 500.), [2, 3], True)',
  'p = torch.avg_pool2d(torch.relu6(a), [2, 2], [2, 2], [1, 1], False, False)',
  's = torch.split(torch.slice(p, 1, 1, 9223372036854775807), 2, 1)',
  'u = torch.upsample_nearest2d(ops.quantized.mul_scalar(a, -2.), [4, 4], None)',
  'v = torch.flatten(torch.squeeze(torch.unsqueeze(torch.sigmoid(u), 2), 2), 2)',
  'w = torch.adaptive_avg_pool2d(u, [2, 2])',
  'y = ops.quantized.cat([w, ops.quantized.mul(w, m, 0.5, 3)], 1, 0.25, 2)',
];

const code = (body: readonly string[]): string => `class Net(Module):
  __parameters__ = []
  conv : __torch__.parts.Conv
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
${body.map((line) => `    ${line}\n`).join('')}    return torch.dequantize(y)
`;

const PARTS = `class Conv(Module):
  _packed_params : __torch__.torch.classes.quantized.Conv2dPackedParamsBase
  def __setstate__(self: __torch__.parts.Conv,
    state: Tuple[Tensor, Optional[Tensor], str]) -> NoneType:
    if torch.eq((state)[2], "zeros"):
      _0 = ops.quantized.conv2d_prepack((state)[0], (state)[1], [1, 1], [1, 1], [1, 1], 1)
    else:
      _0 = None
    self._packed_params = _0
    return None
  def forward(self: __torch__.parts.Conv,
    x: Tensor) -> Tensor:
    _packed_params = self._packed_params
    return ops.quantized.conv2d_relu(x, _packed_params, 0.25, 2)
`;

/** A TorchScript file of a convolution of 2 to 4 channels, and what `body` does with it. */
export function scriptFile(body: readonly string[] = SCRIPT_BODY): Uint8Array {
  const file = new TorchFile();
  const data = Int8Array.from({ length: 72 }, (_, i) => i - 30);
  const weight = file.tensor({ storage: 'QInt8Storage', data, shape: [4, 2, 3, 3], quantizer: [0.125, 0] });
  const bias = file.tensor({ storage: 'FloatStorage', data: Float32Array.of(0, 1, -1, 0.5), shape: [4] });
  const conv = object('__torch__.parts', 'Conv', tuple(weight, bias, text('zeros')));
  const root = object('__torch__', 'Net', dict([['conv', conv]]));
  const entries = file.storages.map(
    ({ buffer }, key) => [`net/data/${key}`, [new Uint8Array(buffer), { level: 0 }]] as const,
  );
  return zipSync({
    ...Object.fromEntries(entries),
    'net/data.pkl': [pickle(root), { level: 0 }],
    'net/constants.pkl': [pickle(tuple(call(global('torch.jit._pickle', 'build_intlist'), none))), { level: 0 }],
    'net/code/__torch__.py': [strToU8(code(body)), { level: 9 }],
    'net/code/__torch__/parts.py': [strToU8(PARTS), { level: 9 }],
  });
}

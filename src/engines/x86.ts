import { createFbgemm, createFbgemmAvx2 } from './fbgemm.ts';
import type { PyTorchOptions } from './pytorch.ts';
import { createOnednn } from './onednn.ts';
import type { SumsLayer, Engine } from './engine.ts';

/** Convolutions of more groups than this are slow in oneDNN; PyTorch gives them to FBGEMM. */
const ONEDNN_MAX_GROUPS = 100;

/** PyTorch's default engine since 2.0, on a machine with AVX-512 VNNI: a choice between two others, layer by layer. */
export function createX86(options: PyTorchOptions = {}): Engine {
  const onednn = createOnednn(options);
  const fbgemm = createFbgemm(options);
  const engineOf = ({ op, groups }: SumsLayer): Engine =>
    op === 'conv' && groups <= ONEDNN_MAX_GROUPS ? onednn : fbgemm;
  return {
    ...onednn,
    name: 'x86',
    description: `PyTorch x86 with AVX-512 VNNI: onednn for convolutions of up to ${ONEDNN_MAX_GROUPS} groups, fbgemm for the rest`,
    origins: [{ runtime: 'pytorch-x86', processors: ['x64-avx512-vnni'] }],
    linear: (layer) => engineOf(layer).linear(layer),
    accumulation: (layer) => engineOf(layer).accumulation(layer),
  };
}

/** The same on a machine without AVX-512 VNNI: every layer is FBGEMM's. */
export function createX86Avx2(options: PyTorchOptions = {}): Engine {
  return {
    ...createFbgemmAvx2(options),
    name: 'x86-avx2',
    description: 'PyTorch x86 without AVX-512 VNNI: the same as fbgemm-avx2',
    origins: [{ runtime: 'pytorch-x86', processors: ['x64-avx-vnni', 'x64-avx512', 'x64'] }],
  };
}

export const x86 = createX86();

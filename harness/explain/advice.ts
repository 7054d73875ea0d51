import type { Cause, CauseKind } from './explanation.ts';

/** What to do about a cause on one's own side, and the page that tells why. */
const ADVICE: Readonly<Record<CauseKind, readonly [what: string, page: string]>> = {
  'input-quantization': [
    "quantize the input with the model's own scale and zero point, and subtract that zero point",
    'docs/explain.md#the-puzzle',
  ],
  'padding-value': [
    "pad with the input's zero point, which stands for 0 (window.paddingValue of exact8 vectors)",
    'docs/vectors.md#what-is-in-the-folder',
  ],
  alignment: ['put windows where strides and pads of the model put them', 'docs/vectors.md#what-is-in-the-folder'],
  'weight-layout': [
    'read weights as [output][input][row][column], or take exact8 vectors --order nhwc',
    'docs/vectors.md#what-is-in-the-folder',
  ],
  'channel-order': ["keep the model's order of channels, RGB at the input", 'docs/vectors.md#what-is-in-the-folder'],
  signedness: ['read bytes with the signs that the model gives them', 'docs/vectors.md#what-is-in-the-folder'],
  'saturating-pairs': [
    'add products exactly, or compare with the engine that saturates as you do',
    'docs/engines.md#the-large-errors-saturating-pairs',
  ],
  'wrapping-pairs': [
    'add products exactly, or compare with the engine that wraps as you do',
    'docs/vectors.md#engines-whose-pairs-overflow',
  ],
  'accumulator-width': [
    'make the accumulator as wide as exact8 vectors says (accumulation.bits)',
    'docs/vectors.md#what-is-in-the-folder',
  ],
  bias: [
    "add the bias as the reference's engine does; exact8 vectors has it in integers",
    'docs/engines.md#the-formulas',
  ],
  scale: [
    "take multiplier, offset and shift from exact8 vectors: they are proved to give the engine's values",
    'docs/vectors.md#requantization-in-integers',
  ],
  rounding: [
    'round as the engine does: add half a unit before the shift (it is in the offset of exact8 vectors)',
    'docs/vectors.md#requantization-in-integers',
  ],
  'zero-point-order': ["add the zero point where the reference's engine adds it", 'docs/engines.md#the-formulas'],
  clamp: ["clamp to the type, and to the activation's bounds", 'docs/vectors.md#requantization-in-integers'],
};

/** What a cause asks for. The reference's own needs nothing of theirs but another engine, or the same deviation. */
export function adviceFor({ kind, side }: Cause): { readonly what: string; readonly page: string } {
  const [what, page] = ADVICE[kind];
  return {
    what:
      side === 'theirs'
        ? what
        : 'it is right as it is; to equal this reference, do as it does, or take an engine that does not',
    page,
  };
}

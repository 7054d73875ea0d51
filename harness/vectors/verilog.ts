import { byteRange } from '../../src/graph/graph.ts';
import type { AddLine, LayerKind, Window } from './layer_vectors.ts';
import type { ChannelWords, Manifest, ManifestArray, ManifestLayer, ManifestTensor } from './manifest.ts';

/** What SATURATING_PAIRS is where pairs are no neighbours, or do more than saturate: not for the example's unit. */
const OTHER_PAIRS = 2;

const KINDS: ReadonlySet<LayerKind> = new Set([
  'convolution',
  'pool',
  'average-pool',
  'max-pool',
  'add',
  'pair',
  'bytes',
  'quantize',
]);

/** Is there a parameters.vh of such a layer? */
export const hasParameters = ({ kind }: ManifestLayer): boolean => KINDS.has(kind);

/**
 * parameters.vh of a layer: `localparam`s for inclusion in a module of Verilog or SystemVerilog. Files are named from the
 * folder of the manifest.
 */
export function verilogParameters({ tensors }: Manifest, layer: ManifestLayer): string {
  const tensor = (name: string) => tensors.find((tensor) => tensor.name === name)!;
  const inputs = layer.inputs.map(tensor);
  const [input, output] = [inputs[0]!, tensor(layer.name)];
  const { arrays, channelWords } = layer;
  const numbers: Record<string, number> = {
    ...sizes('IN', input),
    ...sizes('OUT', output),
    WORD_BITS: output.files.find(({ format }) => format === 'hex')?.wordBits ?? output.bits,
    ...tileNumbers(output),
    ...(layer.window ? windowNumbers(layer.window) : {}),
    ...(input.zeroPoint === undefined ? {} : { INPUT_SIGNED: Number(input.signed), INPUT_ZERO: input.zeroPoint }),
    OUTPUT_TYPE_MIN: leastOf(output),
    ...(output.zeroPoint === undefined ? {} : { OUTPUT_ZERO: output.zeroPoint }),
    ...(arrays['weights'] ? weightNumbers(layer) : {}),
    ...(layer.requantization ? requantizationNumbers(layer) : {}),
    ...(layer.line ? lineNumbers(layer.line) : {}),
    ...(channelWords ? fieldNumbers(channelWords) : {}),
  };
  const files = [
    ...inputs.flatMap((input, i) => hexFiles(i === 0 ? 'INPUT' : 'OTHER', input)),
    ...hexFiles('OUTPUT', output),
    ...Object.entries(arrays).flatMap(([key, array]) => hexFiles(key.toUpperCase(), array)),
    ...(channelWords ? hexFiles('CHANNELS', channelWords) : []),
  ];
  for (const key of layer.requantization ? ['boundaries', 'quantized_multiplier', 'quantized_shift', 'rounding'] : [])
    if (!arrays[key]) files.push([`${key.toUpperCase()}_FILE`, '']);
  return [
    `// ${layer.name} (${layer.op}), for inclusion in a module; files are named from the folder of manifest.json`,
    ...layer.formulas.map((formula) => `// ${formula}`),
    ...Object.entries(numbers).map(([name, value]) => `localparam ${name} = ${value};`),
    ...files.map(([name, path]) => `localparam ${name} = "${path}";`),
    '',
  ].join('\n');
}

type Numbers = Readonly<Record<string, number>>;

const leastOf = ({ signed, type }: ManifestTensor): number =>
  type === 'float32' ? 0 : byteRange(signed ? 'int8' : 'uint8')[0];

function sizes(side: 'IN' | 'OUT', { shape }: ManifestTensor): Numbers {
  const [, channels, height = 1, width = 1] = shape;
  return { [`${side}_CHANNELS`]: channels ?? 1, [`${side}_HEIGHT`]: height, [`${side}_WIDTH`]: width };
}

/** Channels of a tile, where files are in tiles. */
function tileNumbers({ files }: ManifestTensor): Numbers {
  const tiled = files.find(({ layout }) => layout === 'nchwc');
  return tiled ? { TILE: tiled.shape[4]! } : {};
}

const windowNumbers = ({ kernel, strides, dilations, pads, groups }: Window): Numbers => ({
  GROUPS: groups,
  KERNEL_HEIGHT: kernel[0],
  KERNEL_WIDTH: kernel[1],
  STRIDE_Y: strides[0],
  STRIDE_X: strides[1],
  DILATION_Y: dilations[0],
  DILATION_X: dilations[1],
  PAD_TOP: pads[0],
  PAD_LEFT: pads[1],
  PAD_BOTTOM: pads[2],
  PAD_RIGHT: pads[3],
});

const weightNumbers = ({ arrays, accumulation }: ManifestLayer): Numbers => ({
  WEIGHT_SIGNED: Number(arrays['weights']!.signed),
  WEIGHT_ZERO_BITS: arrays['weight_zero_point']!.bits,
  SATURATING_PAIRS: accumulation!.mode === 'exact' ? 0 : arrays['slots'] || accumulation!.rounds ? OTHER_PAIRS : 1,
});

function requantizationNumbers({ arrays, accumulation, requantization }: ManifestLayer): Numbers {
  const { clamp, correction, widths } = requantization!;
  return {
    OUTPUT_MIN: clamp[0],
    OUTPUT_MAX: clamp[1],
    ACCUMULATOR_BITS: accumulation!.bits,
    SUM_BITS: accumulation!.bitsWithBias,
    BIAS_BITS: arrays['bias']!.bits,
    MULTIPLIER_BITS: arrays['multiplier']!.bits,
    PRODUCT_BITS: widths.product,
    SCALED_BITS: widths.scaled,
    SHIFTED_BITS: widths.shifted,
    OFFSET_BITS: arrays['offset']!.bits,
    SHIFT_BITS: arrays['shift']!.bits,
    BOUNDARY_BITS: arrays['boundaries']?.bits ?? accumulation!.bits,
    CORRECTED: Number(correction !== 'none'),
    FIXED_POINT: Number(arrays['quantized_multiplier'] !== undefined),
    QUANTIZED_SHIFT_BITS: arrays['quantized_shift']?.bits ?? 1,
  };
}

/** Of codes. */
const lineNumbers = ({ multipliers, offset, shift, clamp, widths }: AddLine): Numbers => ({
  MULTIPLIER_A: multipliers[0],
  MULTIPLIER_B: multipliers[1],
  OFFSET: offset,
  SHIFT: shift,
  CODE_MIN: clamp[0],
  CODE_MAX: clamp[1],
  PRODUCT_A_BITS: widths.products[0],
  PRODUCT_B_BITS: widths.products[1],
  SUM_BITS: widths.sum,
});

const fieldNumbers = ({ bits, fields }: ChannelWords): Numbers => ({
  CHANNEL_WORD_BITS: bits,
  ...Object.fromEntries(fields.map(({ name, lsb }) => [`${name.toUpperCase()}_LSB`, lsb])),
});

/** INPUT_NHWC_FILE and the like: one for each layout. */
function hexFiles(name: string, { files }: Pick<ManifestArray, 'files'>): [string, string][] {
  return files
    .filter(({ format }) => format === 'hex')
    .map(({ layout, path }) => [[name, ...(layout ? [layout.toUpperCase()] : []), 'FILE'].join('_'), path]);
}

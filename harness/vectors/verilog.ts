import { byteRange } from '../../src/graph/graph.ts';
import type { Manifest, ManifestArray, ManifestLayer } from './manifest.ts';

/** What SATURATING_PAIRS is where pairs are no neighbours, or do more than saturate: not for the example's unit. */
const OTHER_PAIRS = 2;

/**
 * parameters.vh of a convolution or fully connected layer: `localparam`s for inclusion in a Verilog module.
 * Files are named from the folder of the manifest.
 */
export function verilogParameters({ tensors }: Manifest, layer: ManifestLayer): string {
  const tensor = (name: string) => tensors.find((tensor) => tensor.name === name)!;
  const [input, output] = [tensor(layer.inputs[0]!), tensor(layer.name)];
  const [, inChannels, inHeight = 1, inWidth = 1] = input.shape;
  const [, outChannels, outHeight = 1, outWidth = 1] = output.shape;
  const { arrays } = layer;
  const window = layer.window!;
  const accumulation = layer.accumulation!;
  const { clamp, correction } = layer.requantization!;
  const numbers: Record<string, number> = {
    IN_CHANNELS: inChannels!,
    IN_HEIGHT: inHeight,
    IN_WIDTH: inWidth,
    OUT_CHANNELS: outChannels!,
    OUT_HEIGHT: outHeight,
    OUT_WIDTH: outWidth,
    GROUPS: window.groups,
    KERNEL_HEIGHT: window.kernel[0],
    KERNEL_WIDTH: window.kernel[1],
    STRIDE_Y: window.strides[0],
    STRIDE_X: window.strides[1],
    DILATION_Y: window.dilations[0],
    DILATION_X: window.dilations[1],
    PAD_TOP: window.pads[0],
    PAD_LEFT: window.pads[1],
    PAD_BOTTOM: window.pads[2],
    PAD_RIGHT: window.pads[3],
    INPUT_SIGNED: Number(input.signed),
    INPUT_ZERO: input.zeroPoint!,
    WEIGHT_SIGNED: Number(arrays['weights']!.signed),
    WEIGHT_ZERO_BITS: arrays['weight_zero_point']!.bits,
    OUTPUT_TYPE_MIN: byteRange(output.signed ? 'int8' : 'uint8')[0],
    OUTPUT_MIN: clamp[0],
    OUTPUT_MAX: clamp[1],
    SATURATING_PAIRS: accumulation.mode === 'exact' ? 0 : arrays['slots'] || accumulation.rounds ? OTHER_PAIRS : 1,
    ACCUMULATOR_BITS: accumulation.bits,
    SUM_BITS: accumulation.bitsWithBias,
    BIAS_BITS: arrays['bias']!.bits,
    MULTIPLIER_BITS: arrays['multiplier']!.bits,
    OFFSET_BITS: arrays['offset']!.bits,
    SHIFT_BITS: arrays['shift']!.bits,
    BOUNDARY_BITS: arrays['boundaries']?.bits ?? accumulation.bits,
    CORRECTED: Number(correction !== 'none'),
    OUTPUT_ZERO: output.zeroPoint!,
    FIXED_POINT: Number(arrays['quantized_multiplier'] !== undefined),
    QUANTIZED_SHIFT_BITS: arrays['quantized_shift']?.bits ?? 1,
  };
  const files = [
    ...hexFiles('INPUT', input),
    ...hexFiles('OUTPUT', output),
    ...Object.entries(arrays).flatMap(([key, array]) => hexFiles(key.toUpperCase(), array)),
  ];
  for (const key of ['boundaries', 'quantized_multiplier', 'quantized_shift', 'rounding'])
    if (!arrays[key]) files.push([`${key.toUpperCase()}_FILE`, '']);
  return [
    `// ${layer.name} (${layer.op}), for inclusion in a module; files are named from the folder of manifest.json`,
    ...Object.entries(numbers).map(([name, value]) => `localparam ${name} = ${value};`),
    ...files.map(([name, path]) => `localparam ${name} = "${path}";`),
    '',
  ].join('\n');
}

/** INPUT_NHWC_FILE and the like: one for each layout. */
function hexFiles(name: string, { files }: ManifestArray): [string, string][] {
  return files
    .filter(({ format }) => format === 'hex')
    .map(({ layout, path }) => [[name, ...(layout ? [layout.toUpperCase()] : []), 'FILE'].join('_'), path]);
}

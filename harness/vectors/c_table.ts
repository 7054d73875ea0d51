import { byteRange } from '../../src/graph/graph.ts';
import { extentOf } from '../../src/layers/layout.ts';
import type { Manifest, ManifestArray, ManifestLayer, ManifestTensor } from './manifest.ts';

const DECLARATIONS = `#ifndef NETWORK_H
#define NETWORK_H

enum kind {
  CONVOLUTION, POOL, MAX_POOL, AVERAGE_POOL, AVERAGE_POOL_FLOAT, ADD, PAIR, ADD_FLOAT, QUANTIZE, DEQUANTIZE, BYTES, SOFTMAX, CONCAT, MOVE, COPY
};

struct tensor {
  const char *file;                    /* .bin, NCHW: unsigned or signed bytes, or float32 */
  int batch, channels, height, width;  /* a tensor [N, C] has 1 by 1 pixels */
  int least;                           /* smallest value of the type: 0 or -128 */
  int zero;                            /* zero point */
  float scale;                         /* 0 where it has none */
  int is_float;                        /* float32, not bytes */
};

struct layer {
  const char *name, *folder;           /* arrays of the layer: <folder>/<array>.bin */
  enum kind kind;
  struct tensor input, other, output;  /* other: the second operand of an add or pair; without a file where there is none */
  const struct tensor *inputs;         /* concat: all of them */
  int count, runs;                     /* concat: how many there are; so many runs of each lie one behind the other */
  int fill;                            /* move: what stands where sources.bin has -1 */
  const char *weights;                 /* convolution: .bin, OIHW; a fully connected layer is a convolution of 1 by 1 */
  int weights_signed, kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left, groups;
  int pairs;                           /* convolution: products are added in pairs in int16, and saturate */
  int wraps;                           /* pairs: they wrap around instead, and products are of signed values */
  int slots;                           /* pairs: elements of slots.bin, which says which they are; 0: neighbours */
  int inside;                          /* pairs: taps outside of the input are in no sum */
  int rounds;                          /* pairs: both sums are rounded to float32 */
  int channels;                        /* convolution, pools: elements of bias, multiplier, offset, shift, exact */
  int min, max;                        /* convolution, pools: the clamp of output values; add: of output codes */
  int boundaries;                      /* convolution, pools: is there a file of them, for channels without an exact line? */
  int line;                            /* add, pair: 1: the line of the four numbers below; 0: the file table.bin */
  int multiplier_a, multiplier_b, offset, shift;
  int counts;                          /* average-pool: elements of counts.bin: channel i is of windows with so many inside */
  const char *pixels;                  /* quantize: bytes of a picture, of which pixel_table.bin has a row a channel */
  int lines, length, line_step, step;  /* average-pool-float: the order of the sum, see the formulas */
  int softmax;                         /* softmax: 1 in float32, 2 in fixed point, 3 by a table of 16 bits */
  int tails;                           /* element by element: how many [first, end) are in tails.bin, where tail_table.bin holds */
  int operand;                         /* add-float: elements of operand.bin; 0 where the second operand is a tensor */
};
`;

/** network.h: the layers as a C99 table, for programs that read the .bin files. */
export function layerTable(manifest: Manifest): string {
  const layers = manifest.layers.map((layer) => `  {${fields(manifest, layer).join(', ')}},`);
  return [
    `/* ${manifest.model}, ${manifest.engine.name}: the layers, in order; files are named from the folder of this one */`,
    DECLARATIONS,
    'static const struct layer LAYERS[] = {',
    ...layers,
    '};',
    `enum { LAYER_COUNT = ${layers.length} };`,
    '',
    '#endif',
    '',
  ].join('\n');
}

const binFile = (files: ManifestLayer['arrays'][string]['files']): string =>
  files.find(
    ({ format, layout }) => format === 'bin' && (layout === undefined || layout === 'nchw' || layout === 'oihw'),
  )!.path;

const named = ({ tensors }: Manifest, name: string): ManifestTensor => tensors.find((tensor) => tensor.name === name)!;

function tensor({
  files,
  shape,
  signed,
  type,
  zeroPoint = 0,
  scale = 0,
}: ManifestArray & Pick<ManifestTensor, 'zeroPoint' | 'scale'>): string {
  const { batch, channels, height, width } = extentOf(shape);
  const least = type === 'float32' ? 0 : byteRange(signed ? 'int8' : 'uint8')[0];
  return `{"${binFile(files)}", ${batch}, ${channels}, ${height}, ${width}, ${least}, ${zeroPoint}, ${floatLiteral(scale)}, ${Number(type === 'float32')}}`;
}

/** C99, of a float32. */
function floatLiteral(value: number): string {
  const text = String(Math.fround(value));
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

const SOFTMAX_METHODS = ['float32', 'fixed point', 'table'] as const;

/** Designated initializers; what is left out is 0. */
function fields(manifest: Manifest, layer: ManifestLayer): string[] {
  const { name, kind, inputs, window, accumulation, requantization, line, softmax, arrays } = layer;
  const [input, other] = inputs;
  const output = named(manifest, name);
  const result: string[] = [`.name = ${JSON.stringify(name)}`];
  const set = (values: Record<string, string | number>): void => {
    for (const [field, value] of Object.entries(values)) result.push(`.${field} = ${value}`);
  };
  const firstFile = Object.values(arrays)[0]?.files[0]?.path;
  if (firstFile) set({ folder: `"${firstFile.slice(0, firstFile.lastIndexOf('/'))}"` });
  set({ kind: kind.toUpperCase().replaceAll('-', '_') });
  set({ input: tensor(named(manifest, input!)), output: tensor(output) });
  if (kind === 'concat')
    set({
      inputs: `(const struct tensor[]){${inputs.map((name) => tensor(named(manifest, name))).join(', ')}}`,
      count: inputs.length,
      runs: output.shape.slice(0, layer.axis).reduce((product, d) => product * d, 1),
    });
  else if (other !== undefined) set({ other: tensor(named(manifest, other)) });
  if (kind !== 'add-float' && arrays['operand']) set({ other: tensor(arrays['operand']) });
  if (layer.fill !== undefined) set({ fill: layer.fill });
  if (window)
    set({
      kernel_height: window.kernel[0],
      kernel_width: window.kernel[1],
      stride_y: window.strides[0],
      stride_x: window.strides[1],
      dilation_y: window.dilations[0],
      dilation_x: window.dilations[1],
      pad_top: window.pads[0],
      pad_left: window.pads[1],
      groups: window.groups,
    });
  if (arrays['weights'])
    set({
      weights: `"${binFile(arrays['weights'].files)}"`,
      weights_signed: Number(arrays['weights'].signed),
      pairs: Number(accumulation!.mode !== 'exact'),
      wraps: Number(accumulation!.mode === 'wrapping-pairs'),
      slots: arrays['slots']?.shape[0] ?? 0,
      inside: Number(accumulation!.outside === 'nothing'),
      rounds: Number(accumulation!.rounds === true),
    });
  if (requantization)
    set({
      channels: requantization.channels,
      min: requantization.clamp[0],
      max: requantization.clamp[1],
      boundaries: Number(requantization.correction !== 'none'),
    });
  if (line)
    set({
      line: 1,
      multiplier_a: line.multipliers[0],
      multiplier_b: line.multipliers[1],
      offset: line.offset,
      shift: line.shift,
      min: line.clamp[0],
      max: line.clamp[1],
    });
  if (arrays['pixels']) set({ pixels: `"${binFile(arrays['pixels'].files)}"` });
  if (layer.order) {
    const { lines, length, lineStep, step } = layer.order;
    set({ lines, length, line_step: lineStep, step });
  }
  if (softmax) set({ softmax: SOFTMAX_METHODS.indexOf(softmax) + 1 });
  if (arrays['tails']) set({ tails: arrays['tails'].shape[0]! });
  if (kind === 'add-float' && arrays['operand']) set({ operand: arrays['operand'].words });
  if (arrays['counts']) set({ counts: arrays['counts'].words });
  return result;
}

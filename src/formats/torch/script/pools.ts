import type { Attributes } from '../../../graph/graph.ts';
import { describe } from '../pickle.ts';
import type { Call } from './call.ts';
import { channelsOf, LANES, like, memoryOf, type Handler } from './activations.ts';
import type { Activation } from './values.ts';

const window = (call: Call, dilation?: number): Attributes => {
  const kernel = call.pair(1);
  const pads = call.pair(3, [0, 0]);
  return {
    kernel_shape: kernel,
    strides: call.pair(2, kernel),
    pads: [...pads, ...pads],
    ...(dilation !== undefined && { dilations: call.pair(dilation, [1, 1]) }),
  };
};

/** Of a plane: height and width are left open. Of a contiguous tensor engines make one of either format. */
const pooled = (x: Activation): Activation =>
  like(x, {
    dims: [x.dims[0], x.dims[1], undefined, undefined],
    format: x.format === 'channels_last' ? x.format : 'other',
  });

export const maxPool: Handler = (call) => {
  const x = call.bytes();
  return call.node('MaxPool', [x], pooled(x), { ...window(call, 4), ceil_mode: Number(call.flag(5)) });
};

/** Channels up to `end`, and the loop that PyTorch's own kernels run them by. */
type Loop = readonly [loop: 'vector' | 'half' | 'scalar' | 'plain', end: number];

/** Averages of a tensor's channels, loop by loop. */
function inLoops(
  call: Call,
  x: Activation,
  loopsOf: (channels: number) => readonly Loop[],
  average: (part: Activation, loop: string, suffix: string) => Activation,
): Activation {
  const channels = x.dims[1] ?? call.refuse(describe(x), 'tensors whose channels follow from weights');
  const loops = loopsOf(channels).filter(([, end], i, all) => end > (all[i - 1]?.[1] ?? 0));
  const [[only]] = loops as [Loop];
  if (loops.length === 1) return average(x, only, '');
  const parts = loops.map(([loop, end], i) =>
    average(channelsOf(call, x, loops[i - 1]?.[1] ?? 0, end), loop, `.${loop}`),
  );
  const [first] = parts as [Activation];
  const dims = first.dims.map((d, axis) => (axis === 1 ? channels : d));
  return call.node('Concat', parts, like(first, { dims, format: x.format }), { axis: 1 });
}

export const averagePool: Handler = (call) => {
  const x = call.bytes();
  const isLast = memoryOf(call, x)['contiguous'] === undefined;
  const attributes = window(call);
  if (call.flag(4) || call.arg(6) !== null) call.refuse('ceil_mode or a divisor', 'neither');
  const counts = Number(call.arg(5) === null || call.flag(5));
  const loops = (channels: number): readonly Loop[] => [
    // vectors are of 16 or of 8 by the processor
    ['vector', isLast ? channels - (channels % (2 * LANES)) : 0],
    ['half', isLast ? channels - (channels % LANES) : 0],
    ['scalar', channels],
  ];
  return inLoops(call, x, loops, (part, loop, suffix) =>
    call.node('AveragePool', [part], pooled(part), { ...attributes, count_include_pad: counts, loop }, suffix),
  );
};

export const globalAveragePool: Handler = (call) => {
  const x = call.bytes();
  const size = call.pair(1);
  const attributes = memoryOf(call, x)['contiguous'] ? { loop: 'plain' } : {};
  const y = like(pooled(x), { dims: [x.dims[0], x.dims[1], ...size] });
  if (size.join() === '1,1') return call.node('GlobalAveragePool', [x], y, attributes);
  return call.node('AdaptiveAveragePool', [x], y, { output_size: size, ...attributes });
};

export const mean: Handler = (call) => {
  const x = call.bytes();
  const axes = call.arg(1);
  const isPlane =
    Array.isArray(axes) && x.dims.length === 4 && axes.map((axis) => (Number(axis) + 4) % 4).join() === '2,3';
  if (!isPlane) return call.refuse(`a mean over ${describe(axes)}`, 'dimensions 2 and 3 of four');
  const keeps = call.flag(2);
  const pixel = keeps ? [1, 1] : [];
  const average = (part: Activation, loop: string, suffix: string): Activation =>
    call.node(
      'ReduceMean',
      [part],
      like(part, { dims: [part.dims[0], part.dims[1], ...pixel], format: keeps ? x.format : 'contiguous' }),
      { axes: [2, 3], keepdims: Number(keeps), loop },
      suffix,
    );
  if (memoryOf(call, x)['contiguous']) return average(x, 'plain', '');
  return inLoops(call, x, loopsOfSums, average);
};

/** Float32 sums are taken by four vectors at a time, or four by four where there is not one. */
const loopsOfSums = (channels: number): readonly Loop[] => [
  ['vector', channels - (channels % (channels < LANES ? 4 : 4 * LANES))],
  ['scalar', channels],
];

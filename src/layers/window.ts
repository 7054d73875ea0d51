import { InvalidModelError } from '../errors.ts';
import { BUDGET } from '../graph/budget.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { Window } from './layer.ts';
import { integers, label, refuse } from './operator.ts';

/** ONNX's padding rules, explicit or automatic, for one dimension: [before, after]. */
function padding(mode: string, size: number, kernel: number, stride: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  const small = Math.floor(total / 2);
  return mode === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
}

/**
 * The window of a node over an input of [height, width], from its attributes strides, dilations, pads, auto_pad
 * and ceil_mode. With ceil_mode a last window may hang over the padded input, but has to start before its end.
 *
 * @throws InvalidModelError, UnsupportedModelError
 */
export function windowOf(node: GraphNode, kernel: readonly [number, number], input: readonly [number, number]): Window {
  const [strideY, strideX] = integers(node, 'strides', 2, 1) as [number, number];
  const [dilationY, dilationX] = integers(node, 'dilations', 2, 1) as [number, number];
  if (strideY < 1 || strideX < 1 || dilationY < 1 || dilationX < 1 || kernel[0] < 1 || kernel[1] < 1)
    throw new InvalidModelError(`${label(node)}: kernel, strides and dilations are positive integers`);
  const longest = [strideY, strideX, dilationY, dilationX, ...kernel].reduce((most, one) => Math.max(most, one));
  if (longest > BUDGET.length || kernel[0] * kernel[1] > BUDGET.window)
    return refuse(
      node,
      `a window of ${kernel.join(' by ')}, strides ${strideY}, ${strideX}, dilations ${dilationY}, ${dilationX}`,
      `windows of up to ${BUDGET.window} elements, strides and dilations up to ${BUDGET.length}`,
    );
  const reach: [number, number] = [dilationY * (kernel[0] - 1) + 1, dilationX * (kernel[1] - 1) + 1];
  const mode = String(node.attributes['auto_pad'] ?? 'NOTSET');
  let pads = integers(node, 'pads', 4, 0) as [number, number, number, number];
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const y = padding(mode, input[0], reach[0], strideY);
    const x = padding(mode, input[1], reach[1], strideX);
    pads = [y[0], x[0], y[1], x[1]];
  } else if (mode === 'VALID') pads = [0, 0, 0, 0];
  else if (mode !== 'NOTSET') return refuse(node, `auto_pad ${mode}`, 'NOTSET, SAME_UPPER, SAME_LOWER, VALID');
  if (pads.some((p) => p > BUDGET.length)) return refuse(node, `pads [${pads.join(', ')}]`, `up to ${BUDGET.length}`);
  const up = node.attributes['ceil_mode'] === 1;
  const count = (axis: 0 | 1, stride: number): number => {
    const steps = (input[axis] + pads[axis] + pads[axis + 2]! - reach[axis]) / stride;
    if (!up) return Math.floor(steps) + 1;
    const windows = Math.ceil(steps) + 1;
    return (windows - 1) * stride >= input[axis] + pads[axis] ? windows - 1 : windows;
  };
  const size: [number, number] = [count(0, strideY), count(1, strideX)];
  if (size[0] < 1 || size[1] < 1)
    throw new InvalidModelError(
      `${label(node)}: a window of ${reach.join(' by ')} in an input of ${input.join(' by ')}`,
    );
  return { kernel, strides: [strideY, strideX], dilations: [dilationY, dilationX], pads, size };
}

/** How many elements of the input windows have in them: each number that occurs, in order. */
export function countsOf(
  { kernel, strides, dilations, pads, size }: Window,
  input: readonly [number, number],
): number[] {
  const along = (axis: 0 | 1): number[] => {
    const counts = new Set<number>();
    for (let o = 0; o < size[axis]; o++) {
      // of the window's elements at first + k * dilation, those from 0 to before the input's end
      const first = o * strides[axis] - pads[axis];
      const before = Math.max(0, Math.ceil(-first / dilations[axis]));
      const end = Math.min(kernel[axis], Math.ceil((input[axis] - first) / dilations[axis]));
      counts.add(Math.max(0, end - before));
    }
    return [...counts];
  };
  const columns = along(1);
  return [...new Set(along(0).flatMap((rows) => columns.map((count) => rows * count)))].sort((a, b) => a - b);
}

/** Calls `visit` for every window with the places of the input that lie in it, row by row, and their numbers in the window. */
export function forEachWindow(
  { kernel, strides, dilations, pads, size }: Window,
  [height, width]: readonly [number, number],
  visit: (output: number, places: readonly number[], elements: readonly number[]) => void,
): void {
  const inside = (i: number, length: number): boolean => i >= 0 && i < length;
  for (let oy = 0; oy < size[0]; oy++)
    for (let ox = 0; ox < size[1]; ox++) {
      const places: number[] = [];
      const elements: number[] = [];
      for (let ky = 0; ky < kernel[0]; ky++)
        for (let kx = 0; kx < kernel[1]; kx++) {
          const y = oy * strides[0] - pads[0] + ky * dilations[0];
          const x = ox * strides[1] - pads[1] + kx * dilations[1];
          if (!inside(y, height) || !inside(x, width)) continue;
          places.push(y * width + x);
          elements.push(ky * kernel[1] + kx);
        }
      visit(oy * size[1] + ox, places, elements);
    }
}

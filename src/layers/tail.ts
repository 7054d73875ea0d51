import { UnsupportedModelError } from '../errors.ts';
import type { UnaryFunctions } from '../engines/engine.ts';
import { elementCount, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { extent } from './layout.ts';
import { refuse } from './operator.ts';

type IsTail = UnaryFunctions['isTail'];

/** Does the element at an NCHW index have the tail's function? Engines decide by its place in NHWC memory. */
export function tailOf({ isTail }: { readonly isTail?: IsTail }, info: TensorInfo): (element: number) => boolean {
  const { channels, height, width } = extent(info);
  const [plane, elements] = [height * width, elementCount(info.shape)];
  return (i) => {
    const image = Math.floor(i / (plane * channels));
    return isTail?.((image * plane + (i % plane)) * channels + (Math.floor(i / plane) % channels), elements) ?? false;
  };
}

/** Where height and width are last in memory, the elements that have the tail's function are others. */
export function expectTailLast(node: GraphNode, { isTail }: { readonly isTail?: IsTail }, info: TensorInfo): void {
  const { channels, height, width } = extent(info);
  const isContiguous = node.attributes['contiguous'] === 1 && info.shape.length === 4;
  if (!isContiguous || !isTail || channels === 1 || height * width === 1) return;
  const elements = elementCount(info.shape);
  if (tailRanges(isTail, elements).length > 0)
    refuse(
      node,
      `${elements} elements with height and width last in memory`,
      'multiples of 64, or channels last: .contiguous(memory_format=torch.channels_last)',
    );
}

/** [first, end) of each run of tail elements. */
export function tailRanges(isTail: NonNullable<IsTail>, elements: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < elements; i++) {
    if (!isTail(i, elements)) continue;
    const last = ranges.at(-1);
    if (last && last[1] === i) last[1] = i + 1;
    else ranges.push([i, i + 1]);
  }
  return ranges;
}

/** What the elements at the end have, from `first` on, where there are some. */
export function tailAtEnd<T>(
  isTail: IsTail,
  { name, shape }: TensorInfo,
  values: () => T,
): { readonly tail?: { readonly values: T; readonly first: number } } {
  const elements = elementCount(shape);
  const [range, ...others] = isTail ? tailRanges(isTail, elements) : [];
  if (others.length > 0 || (range && range[1] !== elements))
    throw new UnsupportedModelError(
      `'${name}': ${others.length + 1} threads leave elements over; supported: 1 thread for this operator`,
    );
  return range ? { tail: { values: values(), first: range[0] } } : {};
}

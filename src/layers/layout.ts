import {
  elementBytes,
  elementCount,
  newElementData,
  type ElementData,
  type ElementType,
  type TensorInfo,
} from '../graph/graph.ts';

/**
 * How tensors lie in GPU memory: NHWC, channels padded to a multiple of four. A group is four channels of
 * one pixel: one u32 for 8-bit types (the lowest channel in the lowest byte), four u32 for float32 (its bits) and int32.
 */
export interface Extent {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** ceil(channels / 4). */
  readonly groups: number;
}

/** [N, C, H, W] as an image; of other ranks the last dimension is the channels, and all before it the batch. */
export function extentOf(shape: readonly number[]): Extent {
  const last = shape.at(-1) ?? 1;
  const image = shape.length === 4 ? shape : [elementCount(shape.slice(0, -1)), last, 1, 1];
  const [batch, channels, height, width] = image as [number, number, number, number];
  return { batch, channels, height, width, groups: Math.ceil(channels / 4) };
}

export function extent(info: TensorInfo): Extent {
  return extentOf(info.shape);
}

export function groupCount(e: Extent): number {
  return e.batch * e.height * e.width * e.groups;
}

/** Groups of a tensor: one thread each in kernels that work group by group. */
export function groupsOf(info: TensorInfo): number {
  return groupCount(extent(info));
}

/** Bytes of a tensor in GPU memory. */
export function packedBytes(info: TensorInfo): number {
  return groupCount(extent(info)) * 4 * elementBytes(info.type);
}

/** Calls `visit` with the index of every element in NCHW order and in padded NHWC order. */
function forEachElement(e: Extent, visit: (nchw: number, padded: number) => void): void {
  const pixels = e.height * e.width;
  const stride = e.groups * 4;
  let nchw = 0;
  for (let n = 0; n < e.batch; n++)
    for (let c = 0; c < e.channels; c++) {
      let padded = n * pixels * stride + c;
      for (let p = 0; p < pixels; p++, padded += stride) visit(nchw++, padded);
    }
}

/** Where each element, in NCHW order, lies in GPU memory. */
export function paddedPlaces(e: Extent): Int32Array {
  const places = new Int32Array(e.batch * e.channels * e.height * e.width);
  forEachElement(e, (nchw, padded) => (places[nchw] = padded));
  return places;
}

type Bits = Uint8Array | Uint32Array;

/** Elements of a type as they are in memory. */
function bitsOf({ buffer, byteOffset, byteLength }: ElementData, type: ElementType): Bits {
  const bytes = elementBytes(type);
  const View = bytes === 1 ? Uint8Array : bytes === 4 ? Uint32Array : BigUint64Array;
  // bigints are only moved, too
  return new View(buffer as ArrayBuffer, byteOffset, byteLength / bytes) as Bits;
}

/** As forEachElement, for what is on the way of every inference: without a call an element. */
function scatter(from: Bits, to: Bits, e: Extent): void {
  const pixels = e.height * e.width;
  const stride = e.groups * 4;
  let nchw = 0;
  for (let n = 0; n < e.batch; n++)
    for (let c = 0; c < e.channels; c++)
      for (let p = 0, at = n * pixels * stride + c; p < pixels; p++, at += stride) to[at] = from[nchw++]!;
}

/**
 * From NCHW to GPU memory.
 *
 * @param bytes where to: as `pack` made them for the same type and shape, so that what pads channels is zero
 */
export function pack(
  data: ElementData,
  info: TensorInfo,
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(packedBytes(info)),
): Uint8Array<ArrayBuffer> {
  scatter(bitsOf(data, info.type), bitsOf(bytes, info.type), extent(info));
  return bytes;
}

/** From GPU memory to NCHW. */
export function unpack<T extends ElementType>(
  bytes: Uint8Array<ArrayBuffer>,
  info: TensorInfo & { readonly type: T },
): ElementData {
  const data = newElementData(info.type, elementCount(info.shape));
  const [from, to] = [bitsOf(bytes, info.type), bitsOf(data, info.type)];
  forEachElement(extent(info), (nchw, padded) => (to[nchw] = from[padded]!));
  return data;
}

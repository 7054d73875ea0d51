import { elementCount, newElementData, type ElementType } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';

export type Tensors = Readonly<Record<string, Tensor>>;

/** Tensors in JSON; their data are bytes in base64. */
export type JsonTensors = Readonly<
  Record<string, { readonly type: ElementType; readonly dims: readonly number[]; readonly data: string }>
>;

export function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return btoa(Array.from(new Uint8Array(buffer, byteOffset, byteLength), (byte) => String.fromCharCode(byte)).join(''));
}

export function encode(tensors: Tensors): JsonTensors {
  const entries = Object.entries(tensors).map(
    ([name, { type, dims, data }]) => [name, { type, dims, data: base64(data) }] as const,
  );
  return Object.fromEntries(entries);
}

export function decode(tensors: JsonTensors): Record<string, Tensor> {
  const entries = Object.entries(tensors).map(([name, { type, dims, data }]) => {
    const elements = newElementData(type, elementCount(dims));
    new Uint8Array(elements.buffer).set(Uint8Array.from(atob(data), (character) => character.charCodeAt(0)));
    return [name, new Tensor(type, elements as never, dims)] as const;
  });
  return Object.fromEntries(entries);
}

import { InvalidInputError } from './errors.ts';
import { elementCount, ELEMENT_TYPES, newElementData, type ElementArrays, type ElementType } from './graph/graph.ts';
import { kindOf, listOf } from './kind_of.ts';

/** A dense tensor in C order; 4-D tensors are NCHW. The shape people know from onnxruntime. */
export class Tensor<T extends ElementType = ElementType> {
  readonly type: T;
  readonly data: ElementArrays[T];
  readonly dims: readonly number[];

  /** @throws InvalidInputError where the data's class or length does not fit type and dims. */
  constructor(type: T, data: ElementArrays[T], dims: readonly number[]) {
    if (!ELEMENT_TYPES.includes(type))
      throw new InvalidInputError(
        `a tensor is made of a type (${ELEMENT_TYPES.join(', ')}), its elements and its dims; got ${kindOf(type)} as type`,
      );
    const expected = newElementData(type, 0)[Symbol.toStringTag];
    // by its tag, not by its class: arrays of other windows are arrays, too
    if (!ArrayBuffer.isView(data) || data[Symbol.toStringTag] !== expected)
      throw new InvalidInputError(`a ${type} tensor takes a ${expected}, got ${kindOf(data)}`);
    if (!Array.isArray(dims)) throw new InvalidInputError(`dims are an array of numbers, got ${kindOf(dims)}`);
    const shape = [...dims];
    if (!shape.every((d) => Number.isInteger(d) && d >= 0) || elementCount(shape) !== data.length)
      throw new InvalidInputError(
        `dims ${listOf(shape)} do not describe ${data.length} elements` +
          (data.length === 0 ? '; an array that was transferred has none' : ''),
      );
    this.type = type;
    this.data = data;
    this.dims = shape;
  }
}

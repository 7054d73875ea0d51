import { InvalidInputError } from './errors.ts';
import { elementCount, newElementData, type ElementArrays, type ElementType } from './graph/graph.ts';

/** A dense tensor in C order; 4-D tensors are NCHW. The shape people know from onnxruntime. */
export class Tensor<T extends ElementType = ElementType> {
  readonly type: T;
  readonly data: ElementArrays[T];
  readonly dims: readonly number[];

  /** @throws InvalidInputError where the data's class or length does not fit type and dims. */
  constructor(type: T, data: ElementArrays[T], dims: readonly number[]) {
    const expected = newElementData(type, 0).constructor;
    if (!(data instanceof (expected as never as new () => object)))
      throw new InvalidInputError(`a ${type} tensor takes a ${expected.name}, got ${data?.constructor?.name}`);
    if (!dims.every((d) => Number.isInteger(d) && d >= 0) || elementCount(dims) !== data.length)
      throw new InvalidInputError(`dims [${dims.join(', ')}] do not describe ${data.length} elements`);
    this.type = type;
    this.data = data;
    this.dims = [...dims];
  }
}

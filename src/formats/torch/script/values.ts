import type { Quantization } from '../../../graph/graph.ts';
import { PickleObject, type PickleValue } from '../pickle.ts';

/** Why elements lie as they do: many of PyTorch's operators differ in bits by it. */
export type MemoryFormat = 'channels_last' | 'contiguous' | 'other';

/** A tensor that the network computes. */
export class Activation extends PickleObject {
  /** Lengths of its dimensions, as far as they follow from weights. */
  readonly dims: readonly (number | undefined)[];
  /** Left out of float32 and of shapes. */
  readonly quantization: Quantization | undefined;
  readonly format: MemoryFormat;
  /** The module's that computes it, once that is known. */
  name: string | undefined;

  constructor(dims: Activation['dims'], quantization: Quantization | undefined, format: MemoryFormat) {
    super();
    this.dims = dims;
    this.quantization = quantization;
    this.format = format;
  }

  override describe(): string {
    const kind = this.quantization ? 'a quantized tensor' : 'a float tensor';
    return `${kind} [${this.dims.map((d) => d ?? '?').join(', ')}]`;
  }
}

/** The length of a dimension that only an input tells. */
export class Length extends PickleObject {
  readonly of: Activation;
  readonly axis: number;

  constructor(of: Activation, axis: number) {
    super();
    this.of = of;
    this.axis = axis;
  }

  override describe(): string {
    return `the length of dimension ${this.axis} of ${this.of.describe()}`;
  }
}

/** Weights, and what goes with them. */
export class PackedParameters extends PickleObject {
  readonly weight: PickleValue;
  readonly bias: PickleValue;
  /** Of a convolution: stride, padding, dilation, [groups]. */
  readonly window: readonly (readonly number[])[] | undefined;

  constructor(weight: PickleValue, bias: PickleValue, window?: PackedParameters['window']) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.window = window;
  }

  override describe(): string {
    return `packed parameters of a ${this.window ? 'convolution' : 'linear layer'}`;
  }
}

/** `torch`, `ops.quantized.conv2d`, ...: what no variable is. */
export class GlobalName extends PickleObject {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  override describe(): string {
    return this.name.slice(0, 80);
  }
}

/** A module, or another object of a class in the file. */
export class ScriptObject extends PickleObject {
  /** `__torch__.Net`. */
  readonly type: string;
  readonly attributes = new Map<string, PickleValue>();
  /** What the class's own __setstate__ is to be called with. */
  state: PickleValue | undefined;
  /** From the root, '' itself: 'features.0.conv'. */
  path: string | undefined;

  constructor(type: string) {
    super();
    this.type = type;
  }

  override setState(state: PickleValue): void {
    if (state instanceof Map) for (const [name, value] of state) this.attributes.set(name, value);
    else this.state = state;
  }

  override describe(): string {
    return `an object of ${this.type.slice(0, 80)}`;
  }
}

/** A method that is about to be called. */
export class Bound extends PickleObject {
  readonly self: ScriptObject | PackedParameters;
  readonly name: string;

  constructor(self: Bound['self'], name: string) {
    super();
    this.self = self;
    this.name = name;
  }

  override describe(): string {
    return `the method ${this.name.slice(0, 80)}`;
  }
}

import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from '../../../models/onnx_writer.ts';
import type { Random } from '../../../models/random.ts';
import { byteRange } from '../../../src/graph/graph.ts';
import { zeroPoint, type ByteType } from '../draw.ts';

/** A tensor of a graph under construction. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: 'float32' | ByteType;
  /** Names of the scale and zero point of a tensor of bytes. */
  readonly quantization?: Quantization;
}

/** Names of two constants, and what they are. */
export interface Quantization {
  readonly type: ByteType;
  readonly scale: string;
  readonly zeroPoint: string;
  readonly step: number;
  readonly zero: number;
}

/** Names of what a DynamicQuantizeLinear gives. */
interface QuantizedByRange {
  readonly bytes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** A graph grows by pieces: each takes tensors that are there, and adds nodes and tensors. */
export class Builder {
  readonly random: Random;
  readonly values: Value[] = [];
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxTensor[] = [];
  readonly inputs: OnnxValue[] = [];
  readonly #types: readonly ByteType[];
  readonly #quantizations: Quantization[] = [];
  readonly #byRange = new Map<string, QuantizedByRange>();
  #names = 0;

  constructor(random: Random) {
    this.random = random;
    this.#types = random.pick([['uint8'], ['uint8'], ['int8'], ['int8'], ['uint8', 'int8']] as const);
  }

  name(like: string): string {
    return `${like}${this.#names++}`;
  }

  constant(like: string, data: OnnxTensor['data'], dims: readonly number[] = []): string {
    const name = this.name(like);
    this.constants.push({ name, dims, data });
    return name;
  }

  integers(values: readonly number[]): string {
    return this.constant('i', BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Few different ones a graph: what onnxruntime makes of two in a row depends on whether they are the same. */
  quantization(): Quantization {
    const { random } = this;
    if (this.#quantizations.length > 0 && random.chance(0.6)) return random.pick(this.#quantizations);
    const type = random.pick(this.#types);
    const step = Math.fround(random.chance(0.3) ? 2 ** -random.integer(3, 6) : random.scale(0.015, 0.12));
    const zero = random.chance(0.4)
      ? byteRange(type)[0] + 128
      : random.chance(0.3)
        ? byteRange(type)[0]
        : zeroPoint(random, type);
    const scale = this.constant('s', Float32Array.of(step));
    const made = { type, scale, zeroPoint: this.constant('z', bytesOf(type, [zero])), step, zero };
    this.#quantizations.push(made);
    return made;
  }

  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain: OnnxNode['domain'] = '',
    outputs: readonly string[] = [this.name('t')],
  ): string {
    this.nodes.push({ name: `n_${outputs[0]}`, op, domain, inputs, outputs, attributes });
    return outputs[0]!;
  }

  keep(value: Value): Value {
    this.values.push(value);
    return value;
  }

  quantize({ name, shape }: Value, quantization = this.quantization()): Value {
    const bytes = this.node('QuantizeLinear', [name, quantization.scale, quantization.zeroPoint]);
    return this.keep({ name: bytes, shape, type: quantization.type, quantization });
  }

  /** Mostly once, whoever reads it. */
  quantizeByRange({ name }: Value): QuantizedByRange {
    const known = this.#byRange.get(name);
    if (known && this.random.chance(0.8)) return known;
    const made = { bytes: this.name('q'), scale: this.name('s'), zeroPoint: this.name('z') };
    this.node('DynamicQuantizeLinear', [name], {}, '', [made.bytes, made.scale, made.zeroPoint]);
    this.#byRange.set(name, made);
    return made;
  }

  dequantize({ name, shape, quantization }: Value): Value {
    const real = this.node('DequantizeLinear', [name, quantization!.scale, quantization!.zeroPoint]);
    return this.keep({ name: real, shape, type: 'float32' });
  }

  /** A recent tensor more often than an old one, so that graphs are deep, and some of their branches dead. */
  #recent<T extends Value>(values: readonly T[]): T | undefined {
    if (values.length === 0) return undefined;
    return this.random.chance(0.7)
      ? values.at(-1 - this.random.integer(0, Math.min(1, values.length - 1)))
      : this.random.pick(values);
  }

  /** A float32 tensor; where none fits, bytes are dequantized. */
  real(fits: (value: Value) => boolean = () => true): Value | undefined {
    const found = this.#recent(this.values.filter((value) => value.type === 'float32' && fits(value)));
    if (found) return found;
    const bytes = this.bytes(fits);
    return bytes && this.dequantize(bytes);
  }

  bytes(fits: (value: Value) => boolean = () => true): Bytes | undefined {
    return this.#recent(this.values.filter((value): value is Bytes => value.type !== 'float32' && fits(value)));
  }

  model(name: string, outputs: readonly Value[]): OnnxModel {
    return {
      name,
      description: '',
      inputs: this.inputs,
      outputs: outputs.map(({ name, type }) => ({ name, type })),
      nodes: this.nodes,
      constants: this.constants,
    };
  }
}

export const bytesOf = (type: ByteType, values: readonly number[]): Uint8Array | Int8Array =>
  type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);

/** A tensor of bytes. */
export type Bytes = Value & { readonly quantization: Quantization };

export const bytesWith = (name: string, shape: readonly number[], quantization: Quantization): Bytes => ({
  name,
  shape,
  type: quantization.type,
  quantization,
});

/** As operators on bytes take one: the tensor, its scale, its zero point. */
export const operandsOf = ({ name, quantization: { scale, zeroPoint } }: Bytes): string[] => [name, scale, zeroPoint];

/** Attributes that are true or false: engines disagree about other numbers. */
export const flag = (random: Random): number => random.pick([0, 1, 1, 2, -1]);

/** Adds nodes to a graph; false where the graph has no tensor that it can take. */
export type Piece = (builder: Builder) => boolean;

export const isImage = ({ shape }: Value): boolean => shape.length === 4;
export const isMatrix = ({ shape }: Value): boolean => shape.length === 2;

/** A piece that adds a tensor to one of float32; nothing where `add` gives none. */
export const ofReal =
  (add: (builder: Builder, x: Value) => Omit<Value, 'type'> | undefined, fits?: (value: Value) => boolean): Piece =>
  (builder) => {
    const x = builder.real(fits);
    const made = x && add(builder, x);
    if (made) builder.keep({ ...made, type: 'float32' });
    return made !== undefined;
  };

/** The same of bytes. */
export const ofBytes =
  (add: (builder: Builder, x: Bytes) => Value | undefined, fits?: (value: Value) => boolean): Piece =>
  (builder) => {
    const x = builder.bytes(fits);
    const made = x && add(builder, x);
    if (made) builder.keep(made);
    return made !== undefined;
  };

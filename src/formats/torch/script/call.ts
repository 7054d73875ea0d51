import { UnsupportedModelError } from '../../../errors.ts';
import type { Attributes, Quantization } from '../../../graph/graph.ts';
import { HOW_TO } from '../how_to.ts';
import { describe, type PickleValue } from '../pickle.ts';
import { TorchTensor } from '../tensors.ts';
import type { TensorReader } from '../tensor_reader.ts';
import type { Draft, OwnConstant } from './draft.ts';
import { Activation, Length } from './values.ts';

/** A call of one of PyTorch's operators. */
export class Call {
  readonly operator: string;
  readonly args: readonly PickleValue[];
  readonly named: ReadonlyMap<string, PickleValue>;
  readonly draft: Draft;
  readonly tensors: TensorReader;
  readonly #at: string;
  readonly #scope: string;

  constructor(
    operator: string,
    args: readonly PickleValue[],
    named: ReadonlyMap<string, PickleValue>,
    at: string,
    draft: Draft,
    tensors: TensorReader,
    scope: string,
  ) {
    this.operator = operator;
    this.args = args;
    this.named = named;
    this.draft = draft;
    this.tensors = tensors;
    this.#at = at;
    this.#scope = scope;
  }

  /** Operator and place, for messages. */
  get label(): string {
    return `${this.#at}: ${this.operator.slice(0, 80)}`;
  }

  refuse(got: string, supported: string): never {
    throw new UnsupportedModelError(`${this.label}: ${got}; supported: ${supported}`);
  }

  refuseOperator(known: readonly string[]): never {
    const isFloat = [...this.args].some((value) => value instanceof Activation && !value.quantization);
    if (isFloat) return this.refuse('an operator on float32 tensors', `quantized networks: ${HOW_TO}`);
    const operators = known.filter((name) => name.startsWith('ops.quantized.') || name.startsWith('torch.'));
    return this.refuse('an operator that is not known', operators.join(', '));
  }

  arg(index: number, name?: string): PickleValue {
    return this.args[index] ?? this.named.get(name ?? '') ?? null;
  }

  /** A tensor of 8 bits that the network computes. */
  bytes(index = 0): Activation & { readonly quantization: Quantization } {
    return this.expectBytes(this.arg(index));
  }

  expectBytes(value: PickleValue): Activation & { readonly quantization: Quantization } {
    if (!(value instanceof Activation) || !value.quantization)
      return this.refuse(describe(value), `tensors of 8 bits: ${HOW_TO}`);
    return value as Activation & { readonly quantization: Quantization };
  }

  tensor(index = 0): Activation {
    const value = this.arg(index);
    return value instanceof Activation ? value : this.refuse(describe(value), 'tensors that the network computes');
  }

  number(index: number, fallback?: number): number {
    const value = this.arg(index);
    if (value === null && fallback !== undefined) return fallback;
    return this.asNumber(value);
  }

  /** Of tensors of one element, too. */
  asNumber(value: PickleValue): number {
    if (typeof value === 'number') return value;
    if (value instanceof TorchTensor) return this.tensors.scalar(this.label, value);
    if (value instanceof Length) return this.refuse(describe(value), 'lengths that follow from weights');
    return this.refuse(describe(value), 'numbers');
  }

  flag(index: number): boolean {
    const value = this.arg(index) ?? false;
    return typeof value === 'boolean' ? value : this.refuse(describe(value), 'True, False');
  }

  /** [height, width], from a pair or one number for both; the fallback for nothing or an empty list. */
  pair(index: number, fallback?: readonly [number, number]): readonly [number, number] {
    const value = this.arg(index);
    if (fallback && (value === null || (Array.isArray(value) && value.length === 0))) return fallback;
    return this.asPair(value);
  }

  asPair(value: PickleValue | undefined): readonly [number, number] {
    if (typeof value === 'number') return [value, value];
    const numbers = Array.isArray(value) ? value.map((entry) => this.asNumber(entry)) : [];
    if (numbers.length < 1 || numbers.length > 2 || numbers.some((n) => !Number.isInteger(n) || n < 0))
      return this.refuse(describe(value), 'two whole numbers');
    return [numbers[0]!, numbers.at(-1)!];
  }

  /** Scale and zero point, from two arguments. */
  quantization(index: number): Quantization {
    return this.tensors.activation(this.label, this.number(index), this.number(index + 1));
  }

  axis(index: number, { dims }: Activation, fallback?: number): number {
    const given = this.number(index, fallback);
    const axis = given < 0 ? given + dims.length : given;
    if (!Number.isInteger(axis) || axis < 0 || axis >= dims.length)
      return this.refuse(`dimension ${given} of ${dims.length}`, 'dimensions that are there');
    return axis;
  }

  /** @param part of several nodes for one operator, what this one gives: its name is told by it */
  node(
    op: string,
    inputs: readonly (Activation | OwnConstant | null)[],
    output: Activation,
    attributes: Attributes = {},
    part = '',
  ): Activation {
    const name = this.operator.replace(/^.*\./, '').replace(/_$/, '') + part;
    const fallback = this.#scope === '' ? name : `${this.#scope}.${name}`;
    return this.draft.add(op, inputs, output, attributes, fallback);
  }
}

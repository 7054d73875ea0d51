import {
  writeOnnx,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../../models/onnx_writer.ts';
import type { ElementType } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/tensor.ts';

export type ByteType = 'uint8' | 'int8';

/** Writes an ONNX model operator by operator; each method returns the name of what it computes. */
export class OnnxNetwork {
  readonly feeds: Record<string, Tensor> = {};
  readonly #operatorSet: number;
  readonly #nodes: OnnxNode[] = [];
  readonly #constants: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  #count = 0;

  constructor(operatorSet = 13) {
    this.#operatorSet = operatorSet;
  }

  #name(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  input(tensor: Tensor): string {
    const name = this.#name('input');
    this.feeds[name] = tensor;
    this.#inputs.push({ name, type: tensor.type, dims: tensor.dims });
    return name;
  }

  constant(data: OnnxTensor['data'], dims: readonly number[] = []): string {
    const name = this.#name('constant');
    this.#constants.push({ name, dims, data });
    return name;
  }

  float(value: number): string {
    return this.constant(Float32Array.of(value));
  }

  integers(...values: number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  op(
    op: string,
    inputs: string[],
    attributes: Record<string, OnnxAttribute> = {},
    domain: OnnxNode['domain'] = '',
  ): string {
    return this.ops(op, inputs, 1, attributes, domain)[0]!;
  }

  ops(
    op: string,
    inputs: string[],
    outputs: number,
    attributes: Record<string, OnnxAttribute> = {},
    domain: OnnxNode['domain'] = '',
  ): string[] {
    const names = Array.from({ length: outputs }, () => this.#name('t'));
    this.#nodes.push({ name: `${op}_${names[0]}`, op, domain, inputs, outputs: names, attributes });
    return names;
  }

  parameters(scale: number, zeroPoint: number, type: ByteType): [string, string] {
    const zero = type === 'uint8' ? Uint8Array.of(zeroPoint) : Int8Array.of(zeroPoint);
    return [this.float(scale), this.constant(zero)];
  }

  dequantize(x: string, scale: number, zeroPoint: number, type: ByteType = 'uint8'): string {
    return this.op('DequantizeLinear', [x, ...this.parameters(scale, zeroPoint, type)]);
  }

  quantize(x: string, scale: number, zeroPoint: number, type: ByteType = 'uint8'): string {
    return this.op('QuantizeLinear', [x, ...this.parameters(scale, zeroPoint, type)]);
  }

  /** Weights or an int32 bias behind a DequantizeLinear; one scale, or one for each index of the axis. */
  dequantizedConstant(
    data: Int8Array | Uint8Array | Int32Array,
    dims: readonly number[],
    scale: number | Float32Array,
    axis = 0,
    zeroPoint = 0,
  ): string {
    const perAxis = typeof scale !== 'number';
    const count = perAxis ? scale.length : 1;
    const zeros =
      data instanceof Uint8Array
        ? new Uint8Array(count)
        : data instanceof Int8Array
          ? new Int8Array(count)
          : new Int32Array(count);
    const shape = perAxis ? [count] : [];
    return this.op(
      'DequantizeLinear',
      [
        this.constant(data, dims),
        this.constant(perAxis ? scale : Float32Array.of(scale), shape),
        this.constant(zeros.fill(zeroPoint), shape),
      ],
      perAxis ? { axis } : {},
    );
  }

  output(name: string, type: ElementType = 'uint8'): void {
    this.#outputs.push({ name, type });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return writeOnnx({
      name: 'test',
      description: '',
      inputs: this.#inputs,
      outputs: this.#outputs,
      nodes: this.#nodes,
      constants: this.#constants,
      operatorSet: this.#operatorSet,
    });
  }
}

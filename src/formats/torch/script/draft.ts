import {
  DYNAMIC,
  type Attributes,
  type Constant,
  type Graph,
  type GraphNode,
  type QuantizedType,
} from '../../../graph/graph.ts';
import { Activation } from './values.ts';

/** A constant of one node: its name follows from the node's. */
export type OwnConstant = Omit<Constant, 'name'> & { readonly suffix: string };

interface DraftNode {
  readonly op: string;
  readonly inputs: readonly (Activation | OwnConstant | null)[];
  readonly output: Activation;
  readonly attributes: Attributes;
  /** The name that it gets where no module has it. */
  readonly fallback: string;
}

/** A graph whose tensors get their names at the end: modules that return them give them theirs. */
export class Draft {
  readonly #nodes: DraftNode[] = [];
  readonly #taken = new Set(['input', 'output']);
  /** The last tensor that was computed. */
  last: Activation | undefined;
  /** As the first convolution says. */
  inputChannels: number | undefined;

  add(
    op: string,
    inputs: readonly (Activation | OwnConstant | null)[],
    output: Activation,
    attributes: Attributes,
    fallback: string,
  ): Activation {
    this.#nodes.push({ op, inputs, output, attributes, fallback });
    this.last = output;
    return output;
  }

  /** Names a tensor as a module that returns it, unless one within did. */
  name(tensor: Activation, path: string): void {
    tensor.name ??= this.#unique(path);
  }

  #unique(name: string): string {
    let unique = name;
    for (let i = 1; this.#taken.has(unique); i++) unique = `${name}_${i}`;
    this.#taken.add(unique);
    return unique;
  }

  /** @param shape of the example that a trace was made with, the batch included */
  finish(name: string, input: Activation, outputs: readonly Activation[], shape: readonly number[]): Graph {
    const constants = new Map<string, Constant>();
    const tensors = new Map<string, QuantizedType>();
    const [last] = outputs;
    input.name = 'input';
    if (outputs.length === 1 && !last!.quantization) last!.name = 'output';
    const nodes = this.#nodes.map(({ op, inputs, output, attributes, fallback }): GraphNode => {
      this.name(output, fallback);
      const own = output.name!;
      const operands = inputs.map((operand) => {
        if (operand === null) return '';
        if (operand instanceof Activation) return operand.name!;
        const { suffix, ...constant } = operand;
        const named = `${own}.${suffix}`;
        constants.set(named, { ...constant, name: named });
        return named;
      });
      if (output.quantization) tensors.set(own, { name: own, type: 'uint8', quantization: output.quantization });
      return { name: own, op, inputs: operands, outputs: [own], attributes };
    });
    const perChannel = [...constants.values()].some(({ quantization }) => quantization?.axis !== undefined);
    const [, channels, ...rest] = shape as [number, number, ...number[]];
    const known = channels === DYNAMIC ? (this.inputChannels ?? DYNAMIC) : channels;
    return {
      name,
      format: 'torch',
      // a file does not say what it was made for: qnnpack's observers are per tensor unless told otherwise
      engine: perChannel ? 'x86' : 'qnnpack',
      nodes,
      inputs: [{ name: 'input', type: 'float32', shape: [DYNAMIC, known, ...rest] }],
      outputs: outputs.map((tensor) => tensor.name!),
      constants,
      tensors,
    };
  }
}

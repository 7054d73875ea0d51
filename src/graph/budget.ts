import { UnsupportedModelError } from '../errors.ts';
import { DYNAMIC, elementCount } from './graph.ts';

/**
 * What one model may declare, so that a file of a few bytes cannot ask for hours or gigabytes. MobileNet, ResNet and
 * Inception in batches of 64, and YOLO at 640 by 640 pixels in batches of 16, keep well within it. What a device has
 * memory for is the device's business.
 */
export const BUDGET = {
  /** Of one tensor: 128 MiB of 8-bit values, the binding size that every WebGPU has. */
  elements: 2 ** 27,
  /** Of all tensors that a plan computes, together. */
  allElements: 2 ** 34,
  /** The length of one dimension; strides, dilations and pads are no longer. */
  length: 2 ** 22,
  rank: 8,
  nodes: 2 ** 14,
  /** Names of operands and outputs, of all nodes together. */
  operands: 2 ** 16,
  /** Elements of constants, counted for each node that reads them. */
  constants: 2 ** 28,
  /** Elements of what follows from constants alone, together: it is computed once, on the host. */
  folded: 2 ** 24,
  /** Entries of tables of functions of one or two bytes, together. */
  tableEntries: 2 ** 26,
  /** Output channels whose requantization is proved, together. */
  channels: 2 ** 18,
  /** 32-bit words of weights, tables and lists that are made for kernels, together. */
  words: 2 ** 26,
  /** Elements of a window that is summed: sums of so many bytes stay in int32. */
  window: 2 ** 23,
  /** Places of a move that the GPU has to be told one by one. */
  places: 2 ** 24,
} as const;

const listed = (values: readonly number[]): string =>
  values.length > BUDGET.rank ? `${values.slice(0, BUDGET.rank).join(', ')}, ...` : values.join(', ');

/** @throws UnsupportedModelError where a tensor of this shape is more than is planned for; open dimensions count as 1 */
export function expectShape(what: string, shape: readonly number[]): void {
  const { rank, length, elements } = BUDGET;
  if (shape.length > rank)
    throw new UnsupportedModelError(`${what} has ${shape.length} dimensions; supported: up to ${rank}`);
  const known = shape.filter((d) => d !== DYNAMIC);
  if (elementCount(known) > elements || known.some((d) => d > length))
    throw new UnsupportedModelError(
      `${what} has shape [${listed(shape)}]; supported: up to ${elements} elements, and ${length} in a dimension`,
    );
}

/** Adds up what a model asks for; refuses, by name, what passes the limit. */
export class Spending {
  readonly #what: string;
  readonly #limit: number;
  #sum = 0;

  /** @param what that is counted, for messages */
  constructor(what: string, limit: number) {
    this.#what = what;
    this.#limit = limit;
  }

  add(count: number, where: string): void {
    this.#sum += count;
    if (this.#sum > this.#limit)
      throw new UnsupportedModelError(
        `${where}: with it the model has ${this.#sum} ${this.#what}; supported: up to ${this.#limit}. ` +
          'Cut the model into smaller ones, or feed smaller batches',
      );
  }
}

/** @throws UnsupportedModelError where there are more nodes, operands, or constants read than are planned for */
export function expectNodes(
  nodes: readonly { readonly name: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[],
  constantLength: (tensor: string) => number,
): void {
  const { nodes: most, operands, constants } = BUDGET;
  if (nodes.length > most)
    throw new UnsupportedModelError(`the model has ${nodes.length} nodes; supported: up to ${most}`);
  const names = new Spending('operands and outputs', operands);
  const read = new Spending('elements of constants, each counted for every node that reads it,', constants);
  for (const { name, inputs, outputs } of nodes) {
    const where = `node '${name}'`;
    names.add(inputs.length + outputs.length, where);
    for (const input of inputs) read.add(constantLength(input), where);
  }
}

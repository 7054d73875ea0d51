import { UnsupportedModelError } from '../errors.ts';
import type { GraphNode } from './graph.ts';
import { append } from './rewrite.ts';

/** Kinds of refusals that are listed beside the first. */
const MOST_KINDS = 8;
const MOST_NAMES = 3;

/** A model of floats is another runtime's. */
export function refuseFloats(nodes: number): never {
  throw new UnsupportedModelError(
    `the model is not quantized: none of its ${nodes} nodes has 8-bit operands; supported: models of 8 bits, as ` +
      "onnxruntime's quantize_static makes them of an ONNX file",
  );
}

/** All that stands in a model's way: nobody has to find one after the other. */
export class Refusals {
  readonly #found: { readonly node: Pick<GraphNode, 'name' | 'op'>; readonly error: UnsupportedModelError }[] = [];

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** What `work` gives for a node; undefined where it refuses the node, which is kept in mind. */
  attempt<T>(node: Pick<GraphNode, 'name' | 'op'>, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      this.#found.push({ node, error });
      return undefined;
    }
  }

  /** @throws UnsupportedModelError where a node was refused: the first, and what else was, counted */
  end(): void {
    const [first, ...others] = this.#found;
    if (!first) return;
    if (others.length === 0) throw first.error;
    const kinds = new Map<string, string[]>();
    for (const { node, error } of others) {
      const reason = error.message.replace(`node '${node.name}' (${node.op})`, node.op);
      append(kinds, reason, node.name);
    }
    const listed = [...kinds].slice(0, MOST_KINDS).map(([reason, names]) => {
      const more = names.length > MOST_NAMES ? ', ...' : '';
      return `\n  ${names.length} x ${reason} (${names.slice(0, MOST_NAMES).join(', ')}${more})`;
    });
    const left = kinds.size > MOST_KINDS ? `\n  and ${kinds.size - MOST_KINDS} other reasons` : '';
    throw new UnsupportedModelError(`${first.error.message}\nNor are supported:${listed.join('')}${left}`, {
      cause: first.error,
    });
  }
}

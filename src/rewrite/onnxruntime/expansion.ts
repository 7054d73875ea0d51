import type { GraphDraft } from '../../graph/draft.ts';
import type { GraphNode } from '../../graph/graph.ts';

/** Adds nodes, each of which computes one tensor, in the place of one. */
export class Expansion {
  readonly #draft: GraphDraft;
  readonly #node: GraphNode;
  readonly #nodes: GraphNode[] = [];

  constructor(draft: GraphDraft, node: GraphNode) {
    this.#draft = draft;
    this.#node = node;
  }

  /** One value a channel of an image, or for all. */
  constant(data: Float32Array): string {
    const shape = data.length === 1 ? [] : [1, data.length, 1, 1];
    return this.#draft.addConstant(`${this.#node.name}.constant`, { type: 'float32', shape, data });
  }

  op(op: string, inputs: readonly string[], attributes: GraphNode['attributes'] = {}): string {
    const output = this.#draft.declareReal(`${this.#node.outputs[0]}.${op}`);
    this.#nodes.push({ name: this.#node.name, op, inputs, outputs: [output], attributes });
    return output;
  }

  /** The last operator's output is the node's. */
  end(): void {
    const last = this.#nodes.pop()!;
    this.#draft.replace(this.#node, [...this.#nodes, { ...last, outputs: this.#node.outputs }]);
  }
}

import { BUDGET, Spending } from './budget.ts';
import {
  isByteType,
  type Constant,
  type Graph,
  type GraphNode,
  type Quantization,
  type QuantizedType,
} from './graph.ts';
import { withoutDeadNodes } from './rewrite.ts';

/**
 * A graph under rewriting: nodes may be replaced, dropped and added, and tensors of new names declared. Whoever does so
 * keeps the order in which operands are defined before they are used.
 */
export class GraphDraft {
  readonly graph: Graph;
  readonly constants: Map<string, Constant>;
  readonly tensors: Map<string, Graph['tensors'] extends ReadonlyMap<string, infer T> ? T : never>;
  readonly #names: Set<string>;
  readonly #ends: readonly string[];
  readonly #outputs: ReadonlySet<string>;
  /** A move of one tensor twice, again and again, would be rewritten into any number of nodes. */
  readonly #declared = new Spending('tensors that rewriting adds', BUDGET.nodes);
  /** The last number that was tried behind a name. */
  readonly #numbers = new Map<string, number>();
  /** What stands in the place of each node of the beginning, and where each node is. */
  #places: GraphNode[][] = [];
  readonly #placeOf = new Map<GraphNode, number>();
  readonly #producer = new Map<string, GraphNode>();
  readonly #consumers = new Map<string, Set<GraphNode>>();
  readonly #edges = new Map<string, number>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.#outputs = new Set(graph.outputs);
    this.nodes = graph.nodes;
    this.constants = new Map(graph.constants);
    this.tensors = new Map(graph.tensors);
    this.#names = new Set(graph.nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
    const used = new Set([...graph.outputs, ...graph.nodes.flatMap(({ inputs }) => inputs)]);
    this.#ends = graph.nodes.flatMap(({ outputs }) => outputs).filter((tensor) => !used.has(tensor));
  }

  /** In their order. */
  get nodes(): GraphNode[] {
    return this.#places.flat();
  }

  set nodes(nodes: readonly GraphNode[]) {
    for (const index of [this.#placeOf, this.#producer, this.#consumers, this.#edges]) index.clear();
    this.#places = nodes.map((node) => [node]);
    for (const [place, node] of nodes.entries()) this.#enter(node, place);
  }

  #enter(node: GraphNode, place: number): void {
    this.#placeOf.set(node, place);
    for (const output of node.outputs) this.#producer.set(output, node);
    for (const input of node.inputs) {
      const consumers = this.#consumers.get(input);
      if (consumers) consumers.add(node);
      else this.#consumers.set(input, new Set([node]));
      this.#edges.set(input, this.edges(input) + 1);
    }
  }

  #leave(node: GraphNode): void {
    this.#placeOf.delete(node);
    for (const output of node.outputs) if (this.#producer.get(output) === node) this.#producer.delete(output);
    for (const input of node.inputs) {
      this.#consumers.get(input)?.delete(node);
      this.#edges.set(input, this.edges(input) - 1);
    }
  }

  /** Is the node one of the draft's still? */
  has(node: GraphNode): boolean {
    return this.#placeOf.has(node);
  }

  producer(tensor: string): GraphNode | undefined {
    return this.#producer.get(tensor);
  }

  consumers(tensor: string): GraphNode[] {
    return [...(this.#consumers.get(tensor) ?? [])];
  }

  /** How often nodes use the tensor: one that uses it twice counts twice. */
  edges(tensor: string): number {
    return this.#edges.get(tensor) ?? 0;
  }

  isOutput(tensor: string): boolean {
    return this.#outputs.has(tensor);
  }

  /** The node that uses the tensor, where only one does, once, and the caller of the model does not. */
  soleConsumer(tensor: string): GraphNode | undefined {
    return this.edges(tensor) === 1 && !this.isOutput(tensor) ? this.consumers(tensor)[0] : undefined;
  }

  /** Type and quantization of an 8-bit tensor; undefined for others. */
  quantized(tensor: string): QuantizedType | undefined {
    const declared =
      this.constants.get(tensor) ?? this.tensors.get(tensor) ?? this.graph.inputs.find((i) => i.name === tensor);
    return declared?.quantization && isByteType(declared.type)
      ? { name: tensor, type: declared.type, quantization: declared.quantization }
      : undefined;
  }

  sameQuantization(a: string, b: string): boolean {
    const [x, y] = [this.quantized(a), this.quantized(b)];
    const equal = (p: ArrayLike<number>, q: ArrayLike<number>): boolean =>
      p === q || (p.length === q.length && Array.from(p).every((v, i) => v === q[i]));
    return (
      x !== undefined &&
      y !== undefined &&
      x.type === y.type &&
      equal(x.quantization.scale, y.quantization.scale) &&
      equal(x.quantization.zeroPoint, y.quantization.zeroPoint)
    );
  }

  /** Declares a tensor that the file does not have; its name tells what it is like. */
  declare(like: string, type: 'uint8' | 'int8' | 'int32', quantization: Quantization): string {
    this.#declared.add(1, `tensor '${like}'`);
    const name = this.#unused(like);
    this.tensors.set(name, { name, type, quantization } as QuantizedType);
    return name;
  }

  /** The name of a float32 tensor that the file does not have. */
  declareReal(like: string): string {
    return this.#unused(like);
  }

  addConstant(like: string, constant: Omit<Constant, 'name'>): string {
    const name = this.#unused(like);
    this.constants.set(name, { ...constant, name });
    return name;
  }

  #unused(like: string): string {
    let name = like;
    for (let i = this.#numbers.get(like) ?? 1; this.#names.has(name); i++) {
      name = `${like}.${i}`;
      this.#numbers.set(like, i + 1);
    }
    this.#names.add(name);
    return name;
  }

  replace(node: GraphNode, by: readonly GraphNode[]): void {
    const place = this.#placeOf.get(node)!;
    const here = this.#places[place]!;
    this.#leave(node);
    here.splice(here.indexOf(node), 1, ...by);
    for (const one of by) this.#enter(one, place);
  }

  /** Everybody who uses a tensor uses another one instead. */
  rewire(from: string, to: string): void {
    for (const node of this.consumers(from))
      this.replace(node, [{ ...node, inputs: node.inputs.map((input) => (input === from ? to : input)) }]);
  }

  /** Drops what rewriting has made useless. What the file computes for nobody stays, for it counts as a consumer. */
  sweep(): void {
    this.nodes = withoutDeadNodes(this.nodes, [...this.graph.outputs, ...this.#ends]);
  }

  /** The graph as it has become, in order, without what no output needs. */
  finish(): Graph {
    const { graph, nodes, constants, tensors } = this;
    return { ...graph, nodes: withoutDeadNodes(nodes, graph.outputs), constants, tensors };
  }
}

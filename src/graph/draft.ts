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
  nodes: GraphNode[];
  readonly graph: Graph;
  readonly constants: Map<string, Constant>;
  readonly tensors: Map<string, Graph['tensors'] extends ReadonlyMap<string, infer T> ? T : never>;
  readonly #names: Set<string>;
  readonly #ends: readonly string[];

  constructor(graph: Graph) {
    this.graph = graph;
    this.nodes = [...graph.nodes];
    this.constants = new Map(graph.constants);
    this.tensors = new Map(graph.tensors);
    this.#names = new Set(graph.nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
    const used = new Set([...graph.outputs, ...graph.nodes.flatMap(({ inputs }) => inputs)]);
    this.#ends = graph.nodes.flatMap(({ outputs }) => outputs).filter((tensor) => !used.has(tensor));
  }

  producer(tensor: string): GraphNode | undefined {
    return this.nodes.find(({ outputs }) => outputs.includes(tensor));
  }

  consumers(tensor: string): GraphNode[] {
    return this.nodes.filter(({ inputs }) => inputs.includes(tensor));
  }

  /** How often nodes use the tensor: one that uses it twice counts twice. */
  edges(tensor: string): number {
    return this.nodes.reduce((sum, { inputs }) => sum + inputs.filter((input) => input === tensor).length, 0);
  }

  isOutput(tensor: string): boolean {
    return this.graph.outputs.includes(tensor);
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
      p.length === q.length && Array.from(p).every((v, i) => v === q[i]);
    return (
      x !== undefined &&
      y !== undefined &&
      x.type === y.type &&
      equal(x.quantization.scale, y.quantization.scale) &&
      equal(x.quantization.zeroPoint, y.quantization.zeroPoint)
    );
  }

  /** Declares a tensor that the file does not have; its name tells what it is like. */
  declare(like: string, type: 'uint8' | 'int8', quantization: Quantization): string {
    const name = this.#unused(like);
    this.tensors.set(name, { name, type, quantization });
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
    for (let i = 1; this.#names.has(name); i++) name = `${like}.${i}`;
    this.#names.add(name);
    return name;
  }

  replace(node: GraphNode, by: readonly GraphNode[]): void {
    this.nodes.splice(this.nodes.indexOf(node), 1, ...by);
  }

  /** Everybody who uses a tensor uses another one instead. */
  rewire(from: string, to: string): void {
    this.nodes = this.nodes.map((node) =>
      node.inputs.includes(from)
        ? { ...node, inputs: node.inputs.map((input) => (input === from ? to : input)) }
        : node,
    );
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

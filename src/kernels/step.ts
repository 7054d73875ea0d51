import type { Constant, TensorInfo } from '../graph/graph.ts';
import { isLinear, type Layer, type Place } from '../layers/layer.ts';
import { pack } from '../layers/layout.ts';
import { geometryKey, macsOf } from '../layers/linear/geometry.ts';
import type { ProvedRequantization } from '../requantize/prove.ts';
import { KERNELS } from './interfaces.ts';
import type { Specialization } from './kernel.ts';
import type { LayerGeometry, VariantChoice } from './variant.ts';

/** One operand of a kernel: a tensor of the graph, or data that is uploaded when the plan is compiled. */
export type StepOperand = { readonly tensor: string } | { readonly data: Int32Array | Uint32Array };

/** A buffer of the modules in a kernel's slots: data, or a tensor of the graph. */
type StepParameter = Int32Array | Uint32Array | { readonly tensor: string };

/** What is read: a tensor, or a constant as it would lie in memory. */
export function operandOf(constants: readonly Constant[], info: TensorInfo): StepOperand {
  const constant = constants.find(({ name }) => name === info.name);
  return constant ? { data: new Uint32Array(pack(constant.data, info).buffer) } : { tensor: info.name };
}

/** One dispatch, as plain data. */
export interface Step extends Specialization {
  /** The node and operator it computes. */
  readonly node: string;
  readonly op: string;
  /** Group 0, in the kernel's order; the output follows. */
  readonly operands: readonly StepOperand[];
  readonly output: string;
  /** Bytes behind the output, and tensors of one value that lie there: from which of the output's bytes on. */
  readonly behind?: number;
  readonly holds?: readonly { readonly tensor: string; readonly offset: number }[];
  /** What the output is, where it is no tensor of the graph. */
  readonly temporary?: TensorInfo;
  /** Group 1: what the modules in its slots read. */
  readonly parameters: readonly StepParameter[];
  /** Group 2: the fields of the kernel's Geometry. */
  readonly geometry: Readonly<Record<string, number>>;
  /** The grid: workgroups in x, y, z. How large one is, is the kernel's business. */
  readonly workgroups: readonly [number, number, number];
  readonly macs: number;
  /** For operators that sum products: the same kernel gives the sums themselves. */
  readonly accumulates: boolean;
  /** Which of the layer's kernel variants this is, where there are several. */
  readonly variant?: LayerGeometry & VariantChoice;
  /** Output channels in which some input makes a pair of products leave int16. */
  readonly overflowingChannels?: number;
  /** What was proved of its requantization, where it has one. */
  readonly proof?: ProvedRequantization;
  /** The layers that it computes, where they are several, in an order in which they can be computed. */
  readonly parts?: readonly StepPart[];
  /** Bytes of workgroup memory; 0 where it is left out. */
  readonly workgroupBytes?: number;
  /** What all workgroups together compute and load, where tiles overlap or each reads the weights for itself. */
  readonly tiling?: { readonly macs: number; readonly loadedBytes: number };
}

/** One of several layers that a step computes. */
export interface StepPart extends Pick<Step, 'node' | 'op' | 'output' | 'macs' | 'proof' | 'overflowingChannels'> {
  readonly variant?: LayerGeometry;
}

/** A step for a layer, of which only is said what is not usual. */
export function stepOf(
  { node, op, writes }: Place,
  own: Specialization & Pick<Step, 'geometry' | 'operands' | 'workgroups'> & Partial<Step>,
): Step {
  return { node, op, output: writes.name, parameters: [], macs: 0, accumulates: false, ...own };
}

/** A layer as a part of a step, with what was proved of it. */
export function partOf(layer: Layer, proof?: ProvedRequantization): StepPart {
  const { node, op, writes } = layer;
  const part = { node, op, output: writes.name, ...(proof && { proof }) };
  if (!isLinear(layer)) return { ...part, macs: 0 };
  const { kind, overflowingChannels } = layer;
  return {
    ...part,
    macs: macsOf(layer),
    variant: { node, kind, geometry: geometryKey(layer) },
    ...(overflowingChannels > 0 && { overflowingChannels }),
  };
}

/** The shaders that a step is put together from, its kernel first. */
export function shadersOf({ kernel, slots }: Step): string[] {
  return [kernel, ...Object.values(slots)];
}

/** Tensors that a step reads, as operands or through the modules in its slots. */
export function tensorsRead({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): string[] {
  return [...operands, ...parameters].flatMap((operand) => ('tensor' in operand ? [operand.tensor] : []));
}

/** WebGPU's default limit; every device allows it. */
const MOST_WORKGROUPS = 65535;

/** The grid of kernels that number their workgroups: one-dimensional as far as that goes. */
export function workgroupGrid(workgroups: number): [number, number, number] {
  const x = Math.min(workgroups, MOST_WORKGROUPS);
  return [x, Math.ceil(workgroups / x), 1];
}

/** The grid of kernels that number their threads (`thread_index`). */
export function threadGrid(threads: number): [number, number, number] {
  return workgroupGrid(Math.ceil(threads / KERNELS.lookup.constants.WORKGROUP_SIZE));
}

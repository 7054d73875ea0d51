import type { TensorInfo } from '../graph/graph.ts';
import type { ProvedRequantization } from '../requantize/prove.ts';
import { WORKGROUP_SIZE, type KernelName } from '../kernels/kernel.ts';
import { packedBytes } from './layout.ts';
import type { LayerGeometry, VariantChoice } from './variant.ts';

/** One operand of a kernel: a tensor of the graph, or data that is uploaded when the plan is compiled. */
export type StepOperand = { readonly tensor: string } | { readonly data: Int32Array | Uint32Array };

/** A buffer of the linked modules: data, or a tensor of the graph. */
export type StepParameter = Int32Array | Uint32Array | { readonly tensor: string };

/** One dispatch, as plain data. */
export interface Step {
  /** The node and operator it computes. */
  readonly node: string;
  readonly op: string;
  readonly kernel: KernelName;
  /** Modules linked behind the kernel, by role: what its calls resolve to. */
  readonly links: readonly string[];
  /** Group 0, in the kernel's order; the output follows. */
  readonly operands: readonly StepOperand[];
  readonly output: string;
  /** Group 1: what the linked modules read. */
  readonly parameters: readonly StepParameter[];
  /** Group 2: the fields of the kernel's Geometry. */
  readonly geometry: Readonly<Record<string, number>>;
  /** Pipeline overrides. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Constants of the kernel's text, as how often it repeats what it marks (gpu/expand.ts). */
  readonly unroll?: Readonly<Record<string, number>>;
  /** The grid: workgroups in x, y, z. How large one is, is the kernel's business (Kernel.workgroupSize). */
  readonly workgroups: readonly [number, number, number];
  readonly macs: number;
  /** For operators that sum products: the same kernel with `output/accumulators` in place of codes gives the sums. */
  readonly accumulates: boolean;
  /** Which of the layer's kernel variants this is, where there are several. */
  readonly variant?: LayerGeometry & VariantChoice;
  /** Output channels in which a pair of products can leave int16, where the engine saturates pairs. */
  readonly saturatingChannels?: number;
  /** What was proved of its requantization, where it has one. */
  readonly proof?: ProvedRequantization;
  /** The steps that this one replaces, where it is a fusion of several, in their order. */
  readonly parts?: readonly Step[];
  /** Bytes of workgroup memory; 0 where it is left out. */
  readonly workgroupBytes?: number;
  /** What all workgroups together compute and load, where tiles overlap or each reads the weights for itself. */
  readonly tiling?: { readonly macs: number; readonly loadedBytes: number };
}

/** Tensors that a step reads, as operands or through linked modules. */
export function tensorsRead({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): string[] {
  return [...operands, ...parameters].flatMap((operand) => ('tensor' in operand ? [operand.tensor] : []));
}

/**
 * Bytes of a tensor that a step binds: as many as its kernel's array has, where that has a length of its own
 * (INPUT_WORDS of the first operand, OUTPUT_WORDS), which may be more than the tensor's.
 */
export function boundBytes({ operands, output, unroll = {} }: Step, tensor: TensorInfo): number {
  const [input] = operands;
  const isInput = input !== undefined && 'tensor' in input && input.tensor === tensor.name;
  const words = Math.max(
    isInput ? (unroll['INPUT_WORDS'] ?? 0) : 0,
    output === tensor.name ? (unroll['OUTPUT_WORDS'] ?? 0) : 0,
  );
  return Math.max(packedBytes(tensor), 4 * words);
}

/** WebGPU's default limit; every device allows it. */
const MOST_WORKGROUPS = 65535;

/** The grid of kernels that number their workgroups: one-dimensional as far as that goes. */
export function workgroupGrid(workgroups: number): [number, number, number] {
  const x = Math.min(workgroups, MOST_WORKGROUPS);
  return [x, Math.ceil(workgroups / x), 1];
}

/** Words of the output that a thread of element-wise kernels has: the constant WORDS of their text. */
export const WORDS = 2;

/** The grid of kernels that number their threads (`thread_index`). */
export function threadGrid(threads: number): [number, number, number] {
  return workgroupGrid(Math.ceil(threads / WORKGROUP_SIZE));
}

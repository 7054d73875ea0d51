import type { ProvedRequantization } from '../requantize/prove.ts';

/** One operand of a kernel: a tensor of the graph, or data that is uploaded when the plan is compiled. */
export type StepOperand = { readonly tensor: string } | { readonly data: Int32Array | Uint32Array };

/** One dispatch, as plain data. */
export interface Step {
  /** The node and operator it computes. */
  readonly node: string;
  readonly op: string;
  readonly kernel: string;
  /** Modules linked behind the kernel, by role: what its calls resolve to. */
  readonly links: readonly string[];
  /** Group 0, in the kernel's order; the output follows. */
  readonly operands: readonly StepOperand[];
  readonly output: string;
  /** Group 1: what the linked modules read. */
  readonly parameters: readonly (Int32Array | Uint32Array)[];
  /** Group 2: the fields of the kernel's Geometry. */
  readonly geometry: Readonly<Record<string, number>>;
  /** Pipeline overrides. */
  readonly overrides: Readonly<Record<string, number>>;
  readonly threads: number;
  readonly macs: number;
  /** For operators that sum products: the same step with this link in place of `output/codes` gives the accumulators. */
  readonly accumulates: boolean;
  /** Output channels in which a pair of products can leave int16, where the engine saturates pairs. */
  readonly saturatingChannels?: number;
  /** What was proved of its requantization, where it has one. */
  readonly proof?: ProvedRequantization;
}

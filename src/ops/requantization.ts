import { byteRange } from '../graph/graph.ts';
import { CODES, type AccumulatorRange } from '../requantize/boundaries.ts';
import { formsInOrder, proveRequantization, type ProvedRequantization } from '../requantize/prove.ts';
import type { StepFunctions, TensorQuantization } from '../semantics/semantics.ts';

/** Bytes of 8-bit types are turned into codes (0 to 255 from the smallest value on) by this mask, and back. */
export function signMask(type: 'uint8' | 'int8'): number {
  return type === 'uint8' ? 0 : 0x80808080;
}

/** The code of a value: its distance from the smallest of its type. */
export function code(q: TensorQuantization, value: number): number {
  return value - byteRange(q.type)[0];
}

/** A form's parameters in the order the shader reads them: [group of 4 channels][word][lane]. */
function packParameters(proof: ProvedRequantization, channels: number): Int32Array {
  const words = proof.parameters[0]!.length;
  const groups = Math.ceil(channels / 4);
  const packed = new Int32Array(Math.max(4, groups * words * 4));
  for (let c = 0; c < channels; c++)
    for (let w = 0; w < words; w++)
      packed[((c >> 2) * words + w) * 4 + (c & 3)] = proof.parameters[c % proof.channels]![w]!;
  return packed;
}

function packTable(proof: ProvedRequantization, channels: number): Int32Array {
  const packed = new Int32Array(Math.ceil(channels / 4) * 4 * CODES);
  for (let c = 0; c < channels; c += proof.channels) packed.set(proof.table, c * CODES);
  return packed;
}

/** Everything a step needs to turn accumulators into bytes. */
export interface OutputStage {
  readonly links: readonly string[];
  readonly parameters: readonly Int32Array[];
  readonly overrides: Readonly<Record<string, number>>;
  readonly proof: ProvedRequantization;
}

/**
 * Proves a form for a layer's requantization and packs it for its shader. A layer with one function for
 * all channels (a pool, a quantize) addresses it as one group of four equal channels.
 *
 * @param forms the cheapest first; those left out follow
 */
export function outputStage(
  functions: StepFunctions,
  range: AccumulatorRange,
  output: TensorQuantization,
  forms: readonly string[] = [],
): OutputStage {
  const [min] = byteRange(output.type);
  const proof = proveRequantization(functions, range, min, formsInOrder(forms));
  const channels = functions.channels === 1 ? 4 : functions.channels;
  const parameters = proof.parameters[0]!.length > 0 ? [packParameters(proof, channels)] : [];
  if (proof.table.length > 0) parameters.push(packTable(proof, channels));
  return {
    links: ['output/codes', `requantize/${proof.form}`],
    parameters,
    overrides: { OUTPUT_SIGN: signMask(output.type) },
    proof,
  };
}

import { byteRange, type TensorInfo } from '../graph/graph.ts';
import { CODES, type AccumulatorRange } from '../requantize/boundaries.ts';
import type { FormParameters, RequantizeForm } from '../requantize/form.ts';
import { FORMS, formsInOrder, proveRequantization, type ProvedRequantization } from '../requantize/prove.ts';
import type { StepFunctions } from '../engines/engine.ts';

/** Bytes of 8-bit types are turned into codes (0 to 255 from the smallest value on) by this mask, and back. */
export function signMask(type: 'uint8' | 'int8'): number {
  return type === 'uint8' ? 0 : 0x80808080;
}

/** The code of an 8-bit tensor's zero point. */
export const codeOfZero = (info: TensorInfo): number => info.quantization!.zeroPoint[0]! - byteRange(byteType(info))[0];

export const byteType = ({ type }: TensorInfo): 'uint8' | 'int8' => type as 'uint8' | 'int8';

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

/** The form for accumulators that are keys of float32 values; only a search does without it. */
export const KEY_FORMS: readonly string[] = ['float_guess'];

/** Which forms a layer may have. */
interface FormOptions {
  /** The cheapest first; those left out follow. */
  readonly forms: readonly string[];
  /** Does the device round to nearest, ties to even? */
  readonly nearestEven: boolean;
}

/** Sums that become bytes. */
interface Proving {
  readonly functions: StepFunctions;
  readonly range: AccumulatorRange;
  readonly writes: TensorInfo;
}

/** Everything a step needs to turn accumulators into bytes. */
export interface OutputStage {
  readonly slots: Readonly<Record<'output' | 'form', string>>;
  readonly parameters: readonly Int32Array[];
  readonly overrides: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly proof: ProvedRequantization;
}

/**
 * Proves a form for a layer's requantization and packs it for its shader. A layer with one function for
 * all channels (a pool, a quantize) addresses it as one group of four equal channels.
 */
export function outputStage({ functions, range, writes }: Proving, { forms, nearestEven }: FormOptions): OutputStage {
  const type = byteType(writes);
  const [min] = byteRange(type);
  const proof = proveRequantization(functions, range, min, formsInOrder(forms, { nearestEven }));
  const channels = functions.channels === 1 ? 4 : functions.channels;
  const form = FORMS.find(({ name }) => name === proof.form)!;
  return {
    slots: { output: 'output/codes', form: `requantize/${form.name}` },
    parameters: packWords(form, proof, channels),
    counts: form.counts?.(proof.parameters) ?? {},
    overrides: { OUTPUT_SIGN: signMask(type) },
    proof,
  };
}

function ofChannels(proof: ProvedRequantization, channels: number): FormParameters[] {
  return Array.from({ length: channels }, (_, c) => proof.parameters[c % proof.channels]!);
}

function packWords(form: RequantizeForm, proof: ProvedRequantization, channels: number): Int32Array[] {
  const parameters = form.pack
    ? form.pack(ofChannels(proof, channels))
    : proof.parameters[0]!.length > 0
      ? [packParameters(proof, channels)]
      : [];
  return proof.table.length > 0 ? [...parameters, packTable(proof, channels)] : parameters;
}

import type { Tensor } from '../../src/tensor.ts';
import type { EngineChoice } from '../worker/protocol.ts';
import type { BenchBrowser } from './browser.ts';

/** What was compared with the host reference before anything was measured. */
export interface ExactnessResult {
  /** Elements of the model's tensors that differ. */
  readonly modelMismatches: number;
  readonly cases: number;
  /** Each case by every kernel variant that may compute it. */
  readonly runs: number;
  readonly elements: number;
  /** Of the model and the cases together. */
  readonly mismatches: number;
  /** How many runs used each kernel, with what is linked behind it. */
  readonly coverage: Readonly<Record<string, number>>;
}

const SEED = 1;
const CHUNK = 25;

export async function runExactness(
  browser: BenchBrowser,
  { bytes, engine }: { readonly bytes: Uint8Array; readonly engine: EngineChoice },
  input: Tensor,
  cases: number,
  progress: (what: string) => void,
): Promise<ExactnessResult> {
  progress('comparing the model with the host reference');
  const job = { engine: 'exact8', model: { model: browser.addBlob(bytes) }, input: browser.addTensor(input) };
  const modelMismatches = await browser.call('compare', job);
  let [runs, elements, mismatches] = [0, 0, modelMismatches];
  const coverage: Record<string, number> = {};
  for (let from = 0; from < cases; from += CHUNK) {
    progress(`case ${from} of ${cases}`);
    const part = await browser.call('cases', engine.name, SEED, from, Math.min(cases, from + CHUNK));
    runs += part.runs;
    elements += part.elements;
    mismatches += part.mismatches;
    for (const [kernel, count] of Object.entries(part.coverage)) coverage[kernel] = (coverage[kernel] ?? 0) + count;
  }
  return { modelMismatches, cases, runs, elements, mismatches, coverage };
}

import { InvalidInputError } from '../../../src/errors.ts';
import { featuresOf, hasPackedDot } from '../../../src/gpu/device.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { createPlan, type Plan } from '../../../src/plan/plan.ts';
import { findSemantics } from '../../../src/semantics/index.ts';
import { generateCase, type Case } from '../../cases/generate.ts';
import { runCases, type CaseMismatch, type CasesResult } from '../../cases/run.ts';
import { coordinatesOf } from '../../explain/at.ts';
import { analyzeElement, type ElementAnalysis } from '../../explain/element.ts';
import { verdict } from '../../report/format.ts';
import { element, fill } from '../dom.ts';
import { elementOpener } from './element.ts';

/** Where a case is found: `?case=ENGINE/SEED/INDEX`. */
interface CaseAddress {
  readonly engine: string;
  readonly seed: number;
  readonly index: number;
}

/** @throws InvalidInputError, UnsupportedModelError where the address names no case */
export function parseCase(text: string): CaseAddress {
  const [, engine, seed, index] = /^([^/]+)\/(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (engine === undefined)
    throw new InvalidInputError(`no case '${text}'; a case is ENGINE/SEED/INDEX, such as onnxruntime/1/0`);
  return { engine: findSemantics(engine).name, seed: Number(seed), index: Number(index) };
}

/** Runs one generated case on the device, by each way that it has to compute dot products, and shows what came out. */
export async function showCase(place: HTMLElement, wanted: string, device: GPUDevice): Promise<void> {
  const { engine, seed, index } = parseCase(wanted);
  const test = generateCase(engine, seed, index);
  const { id, description, graph } = test;
  const result = element('div', { role: 'status', id: 'case-result' }, element('p', { class: 'hint' }, 'running …'));
  fill(
    place,
    element('h2', {}, `Case ${id}`),
    element('p', { class: 'hint' }, description),
    result,
    element('h3', {}, 'The operator'),
    facts(graphFacts(graph)),
    navigation(engine, seed, index),
  );
  place.hidden = false;
  const outcomes = await run({ engine, seed, index }, test, device).catch((error: unknown) => {
    fill(result);
    throw error;
  });
  fill(result, ...outcomes);
}

/** @throws UnsupportedModelError where the engine, or exact8, refuses the case */
async function run({ engine, seed, index }: CaseAddress, test: Case, device: GPUDevice): Promise<HTMLElement[]> {
  const plan = createPlan(test.graph);
  const { steps } = plan;
  const choice = hasPackedDot() && steps.some(({ links }) => links.includes('shared/dot_packed'));
  const results: HTMLElement[] = [];
  for (const packed of choice ? [true, false] : [hasPackedDot()]) {
    const found = await runCases(engine, seed, index, index + 1, device, {
      ...featuresOf(device),
      packedDot: packed,
    });
    const path = choice ? ` (${packed ? 'packed' : 'unpacked'} dot product)` : '';
    results.push(outcome(found, path, (failure) => analysisOf(test, plan, failure)));
  }
  return results;
}

function outcome(
  { elements, mismatches, failures, coverage }: CasesResult,
  path: string,
  analyze: (failure: CaseMismatch) => ElementAnalysis,
): HTMLElement {
  const [failure] = failures;
  const title = verdict({ elements, mismatches }, 'the host reference') + path;
  const rows: [string, string][] = [['Kernel', Object.keys(coverage).join('; ').replaceAll(' ', ', ')]];
  if (failure) {
    const { what, index, expected, actual } = failure;
    rows.push(['First mismatch', `${what} ${index}: ${expected} expected, ${actual} computed`]);
  }
  return element(
    'div',
    {},
    element('p', { class: 'verdict', 'data-equal': failure ? 'no' : 'yes' }, title),
    facts(rows),
    failure && elementOpener(() => analyze(failure)),
  );
}

/** The element that failed; of an accumulator nothing but the sum is compared. */
function analysisOf({ feeds }: Case, { graph, semantics }: Plan, failure: CaseMismatch): ElementAnalysis {
  const { index, actual, expected, what } = failure;
  const [tensor] = graph.outputs as [string];
  const info = graph.tensors.get(tensor)!;
  // float32 outputs are compared, and said, by their bits
  const isValue = what === 'output' && info.type !== 'float32';
  return analyzeElement({
    graph,
    semantics,
    tensor,
    index: coordinatesOf(index, info.shape),
    operands: new Map(Object.entries(feeds).map(([name, { data }]) => [name, data])),
    ...(isValue ? { theirs: actual, reference: expected } : {}),
  });
}

function graphFacts({ nodes, inputs, constants, tensors }: Graph): [string, string][] {
  const quantized = [...inputs, ...constants.values(), ...tensors.values()];
  const attributes = Object.entries(nodes[0]!.attributes).map(([name, value]) => `${name} ${String(value)}`);
  return [
    ['Operator', [nodes[0]!.op, ...attributes].join('; ')],
    ...quantized.map(({ name, type, shape, quantization }): [string, string] => [
      name,
      [
        `${type}${shape ? ` [${shape.join(', ')}]` : ''}`,
        ...(quantization ? [`scale ${few(quantization.scale)}`, `zero point ${few(quantization.zeroPoint)}`] : []),
      ].join('; '),
    ]),
  ];
}

/** How many values of a list are shown. */
const SHOWN = 8;

function few(values: Float32Array | Int32Array): string {
  const shown = values.subarray(0, SHOWN).join(', ');
  return values.length > SHOWN ? `${shown}, … (${values.length} channels)` : shown;
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  return element(
    'dl',
    { class: 'facts' },
    ...rows.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
  );
}

function navigation(engine: string, seed: number, index: number): HTMLElement {
  const link = (to: number, text: string): HTMLElement =>
    element('a', { href: `?case=${encodeURIComponent(engine)}/${seed}/${to}` }, text);
  return element(
    'nav',
    { 'aria-label': 'Other cases' },
    index > 0 ? link(index - 1, '← previous case') : undefined,
    link(index + 1, 'next case →'),
    element('a', { href: './' }, 'the lab'),
  );
}

import { featuresOf, hasPackedDot } from '../../../src/gpu/device.ts';
import type { Graph, Scales } from '../../../src/graph/graph.ts';
import { createPlan, type Plan } from '../../../src/plan/plan.ts';
import { findEngine } from '../../../src/engines/index.ts';
import { caseAt } from '../../cases/at_boundaries/index.ts';
import { parseCaseId } from '../../cases/generate.ts';
import type { Case } from '../../cases/case.ts';
import { graphRead } from '../../cases/read.ts';
import { runCases, type CaseMismatch, type CasesResult } from '../../cases/run_cases.ts';
import { analyzeElement, type ElementAnalysis } from '../../explain/element.ts';
import { oracleFor } from '../../oracles/index.ts';
import { verdict } from '../../report/format.ts';
import { element, facts, fill } from '../dom.ts';
import { elementOpener } from './element.ts';

/** Where a case is found: `?case=ENGINE/SEED/INDEX`. */
type CaseAddress = ReturnType<typeof parseCaseId>;

/** @throws InvalidInputError, UnsupportedModelError where the address names no case */
function parseCase(text: string): CaseAddress {
  const { engine, ...place } = parseCaseId(text);
  return { engine: findEngine(engine).name, ...place };
}

/** Runs one generated case on the device, by each way that it has to compute dot products, and shows what came out. */
export async function showCase(place: HTMLElement, wanted: string, device: GPUDevice): Promise<void> {
  const address = parseCase(wanted);
  const test = caseAt(address);
  const { id, description, graph } = test;
  const result = element('div', { role: 'status', id: 'case-result' }, element('p', { class: 'hint' }, 'running …'));
  fill(
    place,
    element('h2', {}, `Case ${id}`),
    element('p', { class: 'hint' }, description),
    result,
    element('h3', {}, 'The operator'),
    facts(graphFacts(graph)),
    navigation(address),
  );
  place.hidden = false;
  const outcomes = await run(address, test, device).catch((error: unknown) => {
    fill(result);
    throw error;
  });
  fill(result, ...outcomes);
}

/** @throws UnsupportedModelError where the engine, or exact8, refuses the case */
async function run(address: CaseAddress, test: Case, device: GPUDevice): Promise<HTMLElement[]> {
  const { engine, seed, index, atBoundaries } = address;
  const plan = createPlan(graphRead(test));
  const { steps } = plan;
  const choice = hasPackedDot() && steps.some(({ slots }) => slots['dot'] === 'dot/packed');
  const oracle = await oracleFor(engine);
  const references = oracle ? 'the host reference and to onnxruntime-web' : 'the host reference';
  const results: HTMLElement[] = [];
  for (const packed of choice ? [true, false] : [hasPackedDot()]) {
    const features = { ...(await featuresOf(device)), packedDot: packed };
    const found = await runCases(engine, seed, index, index + 1, device, {
      features,
      everyVariant: true,
      atBoundaries,
      oracle,
    });
    const path = choice ? ` (${packed ? 'packed' : 'unpacked'} dot product)` : '';
    results.push(outcome(found, references, path, (failure) => analysisOf(test, plan, failure)));
  }
  return results;
}

function outcome(
  { elements, mismatches, failures, coverage }: CasesResult,
  references: string,
  path: string,
  analyze: (failure: CaseMismatch) => ElementAnalysis,
): HTMLElement {
  const [failure] = failures;
  const title = verdict({ elements, mismatches }, failures[0]?.between.split(' and ')[1] ?? references) + path;
  const kernels = Object.keys(coverage).map((links) => element('div', {}, links.replaceAll(' ', ', ')));
  const rows: [string, string | HTMLElement][] = [
    [kernels.length > 1 ? `Kernels, ${kernels.length}` : 'Kernel', element('div', {}, ...kernels)],
  ];
  if (failure) {
    const { between, what, index, expected, actual, accumulator } = failure;
    const sum = accumulator === undefined ? '' : `, accumulator ${accumulator}`;
    rows.push([
      `First mismatch, ${between}`,
      `${what} [${index.join(', ')}]: ${expected} expected, ${actual} computed${sum}`,
    ]);
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
function analysisOf({ feeds }: Case, { graph, engine }: Plan, failure: CaseMismatch): ElementAnalysis {
  const { index, actual, expected, what } = failure;
  const [tensor] = graph.outputs as [string];
  const info = graph.tensors.get(tensor)!;
  // float32 outputs are compared, and said, by their bits
  const isValue = what === 'output' && info.type !== 'float32';
  return analyzeElement({
    graph,
    engine,
    tensor,
    index,
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

function few(values: Scales | Int32Array): string {
  const shown = values.subarray(0, SHOWN).join(', ');
  return values.length > SHOWN ? `${shown}, … (${values.length} channels)` : shown;
}

function navigation({ engine, seed, index, atBoundaries }: CaseAddress): HTMLElement {
  const series = `${encodeURIComponent(engine)}/${atBoundaries ? 'at-boundaries/' : ''}${seed}`;
  const link = (to: number, text: string): HTMLElement => element('a', { href: `?case=${series}/${to}` }, text);
  return element(
    'nav',
    { 'aria-label': 'Other cases' },
    index > 0 ? link(index - 1, '← previous case') : undefined,
    link(index + 1, 'next case →'),
    element('a', { href: './' }, 'the lab'),
  );
}

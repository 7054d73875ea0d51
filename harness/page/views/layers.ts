import type { Plan } from '../../../src/plan/plan.ts';
import type { Step } from '../../../src/kernels/step.ts';
import { elementCount } from '../../../src/graph/graph.ts';
import type { TensorComparison } from '../../compare/compare.ts';
import { analyzeElement, type ElementAnalysis } from '../../explain/element.ts';
import { formatCount, formatShape } from '../../report/format.ts';
import { byId, element, fill } from '../dom.ts';
import type { LabState } from '../state.ts';
import { layerDetails } from './layer_details.ts';

/** One computed tensor: what the plan says of it and, when it is compared, the result. */
interface Layer {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** undefined where the tensor is another one in another shape, or the untouched file's output. */
  readonly step?: Step;
  readonly comparison?: TensorComparison;
}

const COLUMNS = ['Tensor', 'Operator', 'Shape', 'Elements', 'Mismatches', 'Max diff', 'Kernel', 'Proved form', 'MACs'];
const NUMBERS = ['Elements', 'Mismatches', 'Max diff', 'MACs'];
const UNKNOWN = '–';

let shown: Pick<LabState, 'plan' | 'verification' | 'tensors'> = {};

/** A row a computed tensor; each opens to its details. */
export function showLayers(state: LabState): void {
  const { plan, verification, tensors } = state;
  if (plan === shown.plan && verification === shown.verification && tensors === shown.tensors) return;
  shown = { ...(plan && { plan }), ...(verification && { verification }), ...(tensors && { tensors }) };
  if (!plan) return fill(byId('layers'));
  const layers = layersOf(plan, verification?.comparison.tensors ?? []);
  fill(
    byId('layers'),
    element('h2', { id: 'layers-title' }, 'Every tensor'),
    element(
      'div',
      { class: 'scroll', role: 'region', 'aria-labelledby': 'layers-title', tabindex: 0 },
      element(
        'table',
        { class: 'tensors' },
        element('thead', {}, element('tr', {}, ...COLUMNS.map((name) => headCell(name)))),
        element('tbody', {}, ...layers.flatMap((layer) => rows(layer, state))),
        element('tfoot', {}, totals(layers, verification !== undefined)),
      ),
    ),
  );
}

function layersOf({ graph, steps }: Plan, compared: readonly TensorComparison[]): Layer[] {
  // of a joined step, each layer has its own proof and multiply-adds
  const stepOf = new Map(
    steps.flatMap(({ proof, ...step }) =>
      (step.parts ?? [{ ...step, ...(proof && { proof }) }]).map(({ variant: _, ...part }) => [
        part.output,
        { ...step, ...part },
      ]),
    ),
  );
  const comparisonOf = new Map(compared.map((row) => [row.name, row]));
  const computed = graph.nodes.flatMap(({ op, outputs }) =>
    outputs.map((name): Layer => {
      const { shape } = graph.tensors.get(name)!;
      const [step, comparison] = [stepOf.get(name), comparisonOf.get(name)];
      comparisonOf.delete(name);
      return {
        name,
        op,
        shape,
        elements: elementCount(shape),
        ...(step && { step }),
        ...(comparison && { comparison }),
      };
    }),
  );
  const outputs = [...comparisonOf.values()].map((row): Layer => ({ ...row, comparison: row }));
  return [...computed, ...outputs];
}

function headCell(name: string): HTMLElement {
  return element('th', { scope: 'col', class: NUMBERS.includes(name) && 'number' }, name);
}

function number(value: string, ...classes: string[]): HTMLElement {
  return element('td', { class: ['number', ...classes].join(' ') }, value);
}

function rows(layer: Layer, state: LabState): HTMLElement[] {
  const { name, op, shape, elements, step, comparison } = layer;
  const cell = element('td', { colspan: COLUMNS.length });
  const details = element('tr', { class: 'details', hidden: true }, cell);
  const button = element(
    'button',
    { type: 'button', class: 'open', 'aria-expanded': 'false' },
    element('code', {}, name),
  );
  button.addEventListener('click', () => {
    details.hidden = !details.hidden;
    button.setAttribute('aria-expanded', String(!details.hidden));
    if (!details.hidden) fill(cell, layerDetails(state.tensors?.get(name), step, comparison, analysisOf(layer, state)));
  });
  const row = element(
    'tr',
    { 'data-equal': comparison && (comparison.mismatches === 0 ? 'yes' : 'no') },
    element('th', { scope: 'row' }, button),
    element('td', {}, op),
    element('td', {}, formatShape(shape)),
    number(formatCount(elements)),
    number(comparison ? formatCount(comparison.mismatches) : UNKNOWN, 'mismatches'),
    number(comparison ? String(comparison.maxAbsDiff) : UNKNOWN),
    element('td', {}, step?.kernel),
    element('td', {}, step?.proof?.form),
    number(step && step.macs > 0 ? formatCount(step.macs) : ''),
  );
  return [row, details];
}

/** Takes the first mismatch of a layer apart, from the operands that it was computed from here. */
function analysisOf({ name, comparison }: Layer, { plan, tensors }: LabState): (() => ElementAnalysis) | undefined {
  const first = comparison?.first;
  if (!first || !plan || !tensors || !plan.graph.nodes.some(({ outputs }) => outputs[0] === name)) return undefined;
  return () =>
    analyzeElement({
      graph: plan.graph,
      engine: plan.engine,
      tensor: name,
      index: first.index,
      operands: new Map([...tensors].map(([tensor, { data }]) => [tensor, data])),
      theirs: first.actual,
      reference: first.expected,
    });
}

function totals(layers: readonly Layer[], compared: boolean): HTMLElement {
  const sum = (of: (layer: Layer) => number): string =>
    formatCount(layers.reduce((total, layer) => total + of(layer), 0));
  const largest = layers.reduce((max, { comparison }) => Math.max(max, comparison?.maxAbsDiff ?? 0), 0);
  return element(
    'tr',
    {},
    element('th', { scope: 'row', colspan: 3 }, 'Total'),
    number(sum(({ elements }) => elements)),
    number(compared ? sum(({ comparison }) => comparison?.mismatches ?? 0) : UNKNOWN, 'mismatches'),
    number(compared ? String(largest) : UNKNOWN),
    element('td'),
    element('td'),
    number(sum(({ step }) => step?.macs ?? 0)),
  );
}

import { document, facts } from '../../report/document.ts';
import { html, type Html } from '../../report/html.ts';
import { bar, scrolling, tableOf, type Column } from '../../report/table.ts';
import type { Roof } from '../measure/roof.ts';
import { ratios, type EngineResult, type KindTotal, type LayerResult, type LayerTotals } from '../result.ts';
import reportStyle from './report.css?raw';
import { rooflinePlot } from './roofline_plot.ts';

/** What a bench measured; what it did not is absent. */
export interface BenchReport {
  readonly model: string;
  readonly modelHash?: string;
  readonly adapter: string;
  readonly runtime: string;
  /** ISO 8601. */
  readonly date: string;
  readonly results?: readonly EngineResult[];
  readonly roof?: Roof;
  readonly layers?: readonly LayerResult[];
  readonly totals?: LayerTotals;
  /** Rows of further facts. */
  readonly facts?: Readonly<Record<string, string>>;
}

export function renderBenchReport(data: BenchReport): string {
  const { results, roof, layers, totals } = data;
  const main = html`<header>
      <p class="wordmark">exact8 bench</p>
      <h1 class="verdict">${headline(data)}</h1>
    </header>
    ${about(data)} ${results && engines(results)}
    ${layers && roof && totals && [underRoof(layers, roof, totals), layerTable(layers)]}`;
  return document(`exact8 bench: ${data.model}`, reportStyle, main);
}

function headline({ results }: BenchReport): string {
  const [own] = results ?? [];
  if (!own) return 'Measured';
  const images = 1000 / own.latencyMs.median;
  return `${formatMs(own.latencyMs.median)} an image, ${images.toFixed(images < 10 ? 1 : 0)} images a second`;
}

function about({ model, modelHash, adapter, runtime, date, roof, facts: more = {} }: BenchReport): Html {
  return facts([
    ['Model', html`${model}`],
    ...(modelHash === undefined ? [] : [['SHA-256', html`<code class="hash">${modelHash}</code>`] as const]),
    ['Adapter', html`${adapter}`],
    ['WebGPU of', html`${runtime}`],
    ['Date', html`${date}`],
    ...(roof ? [['Roof', html`${roof.gmacs.toFixed(1)} GMAC/s, ${roof.gbytes.toFixed(1)} GB/s`] as const] : []),
    ...Object.entries(more).map(([term, value]) => [term, html`${value}`] as const),
  ]);
}

interface Bars {
  readonly caption: string;
  readonly value: (result: EngineResult) => number | undefined;
  readonly format: (value: number) => string;
  /** Is more better? The ratio is then turned round. */
  readonly more?: boolean;
}

const BARS: readonly Bars[] = [
  { caption: 'Latency of one image, warm: the median', value: (r) => r.latencyMs.median, format: formatMs },
  {
    caption: 'First result, nothing cached: model bytes in memory to classes',
    value: (r) => r.firstResultMs,
    format: formatMs,
  },
  {
    caption: 'First result with warm caches',
    value: (r) => r.firstResultWarmMs,
    format: formatMs,
  },
  {
    caption: 'Images a second, pipelined',
    value: (r) => r.imagesPerSecond.pipelined,
    format: (value) => value.toFixed(value < 10 ? 2 : 0),
    more: true,
  },
];

function engines(results: readonly EngineResult[]): Html {
  const shown = BARS.filter(({ value }) => results.every((result) => value(result) !== undefined));
  return html`<section>
    <h2>Against other engines</h2>
    <div class="pair">${shown.map((bars) => barTable(results, bars))}</div>
    <p>
      <small>
        The others run the float32 original of the network; what ends in -int8, the same file as exact8. A ratio above
        1: exact8 is so many times ahead. Warm runs took turns:
        ${results
          .map(({ name, latencyMs: { min, max, count } }) => `${name} ${count}, ${formatMs(min)} to ${formatMs(max)}`)
          .join('; ')}.
      </small>
    </p>
  </section>`;
}

function barTable(results: readonly EngineResult[], { caption, value, format, more = false }: Bars): Html {
  const values = results.map((result) => value(result)!);
  const most = Math.max(...values);
  const ratio = ratios(results, (result) => (more ? 1 / value(result)! : value(result)!));
  return html`<table class="engines">
    <caption>
      ${caption}
    </caption>
    <tbody>
      ${results.map(
        (result, i) =>
          html`<tr>
            <th scope="row">${result.name}</th>
            <td class="bar">${bar(values[i]! / most)}</td>
            <td class="number">${format(values[i]!)}</td>
            <td class="number ratio">${i === 0 ? '' : formatRatio(ratio[result.name]!)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function underRoof(layers: readonly LayerResult[], roof: Roof, totals: LayerTotals): Html {
  const kinds = totals.kinds.filter(({ macs }) => macs > 0);
  const gmacs = totals.macs / totals.ms / 1e6;
  const foot = html`<tr>
      <th scope="row">All layers</th>
      <td class="number">${layers.length}</td>
      <td class="number">${totals.ms.toFixed(2)}</td>
      <td class="number">${gmacs.toFixed(2)}</td>
      <td class="number">${percent(gmacs / roof.gmacs)}</td>
    </tr>
    <tr>
      <th scope="row" colspan="2">Requantization and packing</th>
      <td class="number">${totals.requantizationMs.toFixed(2)}</td>
      <td></td>
      <td class="number">${percent(totals.requantizationShare)} of the time</td>
    </tr>`;
  const pair = (name: string, value: number, unit: string) => `${name} ${value.toFixed(1)} ${unit}`;
  return html`<section>
    <h2>Under the roof</h2>
    <div class="pair">
      <figure>
        ${rooflinePlot(layers, roof)}
        <p class="legend">${kinds.map(({ kind }) => html`<span class="point ${kind}">${kind}</span> `)}</p>
        <figcaption>
          Each layer by what it computes for each byte that it moves. The line is what the adapter did at most in the
          same run:
          ${Object.entries(roof.arithmetic)
            .map(([name, gmacs]) => pair(name, gmacs, 'GMAC/s'))
            .join(', ')};
          copies ${Math.min(...Object.values(roof.memory)).toFixed(1)} to ${roof.gbytes.toFixed(1)} GB/s; a dispatch
          ${(1000 * roof.dispatchMs).toFixed(1)} µs.
        </figcaption>
      </figure>
      ${scrolling(tableOf(KIND_COLUMNS, totals.kinds, { class: 'tensors', foot }), { label: 'Totals' })}
    </div>
  </section>`;
}

const KIND_COLUMNS: readonly Column<KindTotal>[] = [
  ['Kind', 'text', ({ kind }) => kind],
  ['Layers', 'number', ({ layers }) => layers],
  ['ms', 'number', ({ ms }) => ms.toFixed(2)],
  ['GMAC/s', 'number', ({ macs, gmacs }) => (macs > 0 ? gmacs.toFixed(2) : '')],
  ['Of arithmetic roof', 'number', ({ macs, arithmeticShare }) => (macs > 0 ? percent(arithmeticShare) : '')],
];

const LAYER_COLUMNS: readonly Column<LayerResult>[] = [
  ['Layer', 'text', ({ name }) => html`<code>${name}</code>`],
  ['Kernel', 'text', ({ variant, kernel }) => variant ?? kernel],
  ['Proved form', 'text', ({ form }) => form],
  ['ms', 'number', ({ ms }) => ms.toFixed(3)],
  ['GMAC/s', 'number', ({ macs, gmacs }) => (macs > 0 ? gmacs.toFixed(2) : '')],
  ['GB/s', 'number', ({ gbytes }) => gbytes.toFixed(2)],
  ['Of the roof', 'number', ({ roofShare }) => percent(roofShare)],
  ['Bound', 'text', ({ bound }) => bound],
  ['Requantization ms', 'number', ({ requantizationMs }) => requantizationMs?.toFixed(3)],
];

function layerTable(layers: readonly LayerResult[]): Html {
  return html`<section>
    <h2 id="layers">Every layer</h2>
    ${scrolling(tableOf(LAYER_COLUMNS, layers, { class: 'tensors' }), { labelledBy: 'layers' })}
  </section>`;
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
const formatRatio = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`;

function formatMs(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

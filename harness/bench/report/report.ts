import { document } from '../../report/document.ts';
import { html, type Html } from '../../report/html.ts';
import type { Roof } from '../measure/roof.ts';
import { ratios, type EngineResult, type LayerResult, type LayerTotals } from '../result.ts';
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
    ${facts(data)} ${results && engines(results)}
    ${layers && roof && totals && [underRoof(layers, roof, totals), layerTable(layers)]}`;
  return document(`exact8 bench: ${data.model}`, reportStyle, main);
}

function headline({ results }: BenchReport): string {
  const [own] = results ?? [];
  if (!own) return 'Measured';
  const images = 1000 / own.latencyMs.median;
  return `${formatMs(own.latencyMs.median)} an image, ${images.toFixed(images < 10 ? 1 : 0)} images a second`;
}

function facts({ model, modelHash, adapter, runtime, date, roof, facts = {} }: BenchReport): Html {
  const rows: [string, string][] = [
    ['Model', model],
    ...(modelHash === undefined ? [] : [['SHA-256', modelHash] as [string, string]]),
    ['Adapter', adapter],
    ['WebGPU of', runtime],
    ['Date', date],
    ...(roof ? [['Roof', `${roof.gmacs.toFixed(1)} GMAC/s, ${roof.gbytes.toFixed(1)} GB/s`] as [string, string]] : []),
    ...Object.entries(facts),
  ];
  return html`<dl class="facts">
    ${rows.map(
      ([term, value]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${term === 'SHA-256' ? html`<code class="hash">${value}</code>` : value}</dd>
        </div>`,
    )}
  </dl>`;
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
        The others run the float32 original of the network. A ratio above 1: exact8 is so many times ahead. Warm runs
        took turns:
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
            <td class="bar">
              <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width="${((100 * values[i]!) / most).toFixed(3)}" height="1" />
              </svg>
            </td>
            <td class="number">${format(values[i]!)}</td>
            <td class="number ratio">${i === 0 ? '' : formatRatio(ratio[result.name]!)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function underRoof(layers: readonly LayerResult[], roof: Roof, totals: LayerTotals): Html {
  const kinds = totals.kinds.filter(({ macs }) => macs > 0);
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
      <div class="scroll" role="region" aria-label="Totals" tabindex="0">
        <table class="tensors">
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col" class="number">Layers</th>
              <th scope="col" class="number">ms</th>
              <th scope="col" class="number">GMAC/s</th>
              <th scope="col" class="number">Of arithmetic roof</th>
            </tr>
          </thead>
          <tbody>
            ${totals.kinds.map(
              ({ kind, layers, ms, macs, gmacs, arithmeticShare }) =>
                html`<tr>
                  <th scope="row">${kind}</th>
                  <td class="number">${layers}</td>
                  <td class="number">${ms.toFixed(2)}</td>
                  <td class="number">${macs > 0 ? gmacs.toFixed(2) : ''}</td>
                  <td class="number">${macs > 0 ? percent(arithmeticShare) : ''}</td>
                </tr>`,
            )}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">All layers</th>
              <td class="number">${layers.length}</td>
              <td class="number">${totals.ms.toFixed(2)}</td>
              <td class="number">${(totals.macs / totals.ms / 1e6).toFixed(2)}</td>
              <td class="number">${percent(totals.macs / totals.ms / 1e6 / roof.gmacs)}</td>
            </tr>
            <tr>
              <th scope="row" colspan="2">Requantization and packing</th>
              <td class="number">${totals.requantizationMs.toFixed(2)}</td>
              <td></td>
              <td class="number">${percent(totals.requantizationShare)} of the time</td>
            </tr>
          </tfoot>
        </table>
      </div>
    </div>
  </section>`;
}

function layerTable(layers: readonly LayerResult[]): Html {
  return html`<section>
    <h2 id="layers">Every layer</h2>
    <div class="scroll" role="region" aria-labelledby="layers" tabindex="0">
      <table class="tensors">
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Kernel</th>
            <th scope="col">Proved form</th>
            <th scope="col" class="number">ms</th>
            <th scope="col" class="number">GMAC/s</th>
            <th scope="col" class="number">GB/s</th>
            <th scope="col" class="number">Of the roof</th>
            <th scope="col">Bound</th>
            <th scope="col" class="number">Requantization ms</th>
          </tr>
        </thead>
        <tbody>
          ${layers.map(
            (layer) =>
              html`<tr>
                <th scope="row"><code>${layer.name}</code></th>
                <td>${layer.variant ?? layer.kernel}</td>
                <td>${layer.form}</td>
                <td class="number">${layer.ms.toFixed(3)}</td>
                <td class="number">${layer.macs > 0 ? layer.gmacs.toFixed(2) : ''}</td>
                <td class="number">${layer.gbytes.toFixed(2)}</td>
                <td class="number">${percent(layer.roofShare)}</td>
                <td>${layer.bound}</td>
                <td class="number">${layer.requantizationMs?.toFixed(3)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
const formatRatio = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`;

function formatMs(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

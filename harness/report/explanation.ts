import type { Cause, LayerExplanation, Where } from '../explain/explanation.ts';
import type { ElementAnalysis } from '../explain/element.ts';
import { adviceFor } from '../explain/advice.ts';
import { recurringCauses, summarizeClasses, type ClassSummary } from '../explain/summary.ts';
import { percent, recurringLine, restOf, variants, verdict, whereLines } from '../explain/text.ts';
import { COUNT, EQUAL, HIGHER, LOWER, type DifferenceMaps, type Legend } from './difference_maps.ts';
import { dataUrl, document, facts } from './document.ts';
import { elementParts } from './element_section.ts';
import { formatCount, formatShape } from './format.ts';
import { histogram } from './histogram.ts';
import { html, type Html } from './html.ts';
import { encodePng } from './png.ts';
import { bar, scrolling, tableOf, type Column } from './table.ts';
import style from './explanation.css?raw';

/** A layer that differs. */
export interface ReportLayer {
  readonly explanation: LayerExplanation;
  /** Of the layer's own mismatches; of an inherited layer's, end to end. */
  readonly maps: DifferenceMaps;
  /** The element that differs most. */
  readonly element?: ElementAnalysis;
}

/** Everything that the report of an explanation shows. Names come from models and files, and are not trusted. */
export interface ExplanationReport {
  readonly model: { readonly name: string; readonly hash: string };
  readonly theirs: string;
  readonly against: string;
  readonly engine: { readonly name: string; readonly description: string };
  /** All engines that reproduce the reference. */
  readonly engines: readonly string[];
  /** What could not be said about the reference's engine, in a sentence. */
  readonly note?: string;
  /** Every tensor that both have, in order. */
  readonly compared: readonly { readonly name: string; readonly op: string; readonly shape: readonly number[] }[];
  /** What each of them is: depthwise, pointwise, add, ... */
  readonly classes: ReadonlyMap<string, string>;
  readonly layers: readonly ReportLayer[];
  /** Stopped before all layers were done. */
  readonly stopped: boolean;
}

/** An explanation as one HTML file: a list of all layers, and for each that differs where and why. */
export function renderExplanation(report: ExplanationReport): string {
  const { layers, compared, stopped, note } = report;
  const sentence = headline(report);
  const isEqual = layers.length === 0 && !stopped;
  const anchors = new Map(layers.map(({ explanation }, i) => [explanation.name, `layer-${i}`]));
  const main = html`<header>
      <p class="wordmark">exact8 explain</p>
      ${note === undefined ? undefined : html`<p class="note">${capital(note)}.</p>`}
      <h1 class="verdict" data-equal="${isEqual ? 'yes' : 'no'}">${sentence}</h1>
      ${stopped ? html`<p>It was stopped before all ${compared.length} tensors were done.</p>` : undefined}
    </header>
    ${about(report)} ${kinds(report)} ${overview(report, anchors)}
    ${layers.map((layer, i) => section(layer, `layer-${i}`))}`;
  return document(`exact8 explain: ${report.model.name}, ${sentence}`, style, main);
}

const KINDS: Readonly<Record<Cause['kind'], string>> = {
  'input-quantization': 'input quantization',
  'padding-value': 'padding value',
  'saturating-pairs': 'saturating pairs',
  'wrapping-pairs': 'wrapping pairs',
  'accumulator-width': 'accumulator width',
  bias: 'bias',
  scale: 'scale',
  rounding: 'rounding',
  'zero-point-order': 'order of zero point and rounding',
  clamp: 'clamp',
  'weight-layout': 'weight layout',
  'channel-order': 'channel order',
  alignment: 'alignment',
  signedness: 'signedness',
};

const sideName = (side: Cause['side']): string => (side === 'theirs' ? 'theirs' : 'the reference');

function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function headline({ layers, compared }: ExplanationReport): string {
  const own = layers.filter(({ explanation }) => explanation.origin === 'own');
  const first = own[0]?.explanation;
  if (layers.length === 0) return `${formatCount(compared.length)} tensors compared: every value is equal`;
  if (!first) return `${formatCount(layers.length)} of ${formatCount(compared.length)} tensors differ, none by itself`;
  const others = own.length > 1 ? `, the first of ${own.length}` : '';
  return `${first.name} differs by itself${others}: ${claim(first)}`;
}

/** The causes, and no more than is known of them. */
function claim({ causes, exact, certain }: LayerExplanation): string {
  if (!exact) return 'not explained';
  const named = list(causes.map(({ kind, side }) => `${KINDS[kind]} (${sideName(side)})`));
  return certain ? named : `perhaps ${named}, or what gives the same values`;
}

function about({ model, theirs, against, engine, engines, layers, compared }: ExplanationReport): Html {
  const count = (origin: LayerExplanation['origin']): number =>
    layers.filter(({ explanation }) => explanation.origin === origin).length;
  const others = engines.filter((name) => name !== engine.name);
  return facts([
    ['Model', html`${model.name}`],
    ['SHA-256', html`<code class="hash">${model.hash}</code>`],
    ['Theirs', html`${theirs}`],
    [
      'Reference',
      html`${against}<br /><small
          >taken as ${engine.name}:
          ${engine.description}${others.length > 0 ? `; ${list(others)} would give the same` : ''}</small
        >`,
    ],
    [
      'Layers',
      html`${formatCount(compared.length)} compared: ${count('own')} wrong by themselves, ${count('inherited')} only
      inherit, ${count('reference')} in which the reference deviates, ${compared.length - layers.length} equal`,
    ],
  ]);
}

const STATUS = {
  own: 'wrong by itself',
  inherited: 'inherits',
  reference: 'the reference deviates',
  equal: 'equal',
} as const;

/** What there is to say of a layer in which theirs is what the engine computes. */
const RIGHT = {
  inherited: 'From their own inputs every value is what the reference computes: nothing is wrong in this layer.',
  reference: 'Theirs is what the engine computes from the same inputs; the reference is not.',
} as const;

/** How often each kind of layer is wrong, and causes that several have. */
function kinds({ classes, layers }: ExplanationReport): Html | undefined {
  if (layers.length < 2) return undefined;
  const explanations = layers.map(({ explanation }) => explanation);
  const recurring = recurringCauses(classes, explanations);
  const columns: readonly Column<ClassSummary>[] = [
    ['Kind', 'text', (row) => row.class],
    ['Compared', 'number', (row) => formatCount(row.compared)],
    ['Differ', 'number', (row) => formatCount(row.differ)],
    ['Wrong by themselves', 'number', (row) => formatCount(row.own)],
    ['Explained', 'number', (row) => formatCount(row.explained)],
    ['Certain', 'number', (row) => formatCount(row.certain)],
  ];
  return html`<section>
    <h2 id="kinds">By kind of layer</h2>
    ${
      recurring.length > 0
        ? html`<ul>
            ${recurring.map((cause) => html`<li>${recurringLine(cause)}</li>`)}
          </ul>`
        : undefined
    }
    ${scrolling(tableOf(columns, summarizeClasses(classes, explanations), { class: 'plain' }), { labelledBy: 'kinds' })}
  </section>`;
}

/** Every tensor: own, inherited, of a reference that deviates, equal. */
function overview({ compared, layers }: ExplanationReport, anchors: ReadonlyMap<string, string>): Html {
  const byName = new Map(layers.map(({ explanation }) => [explanation.name, explanation]));
  const rows = compared.map((tensor) => ({ ...tensor, layer: byName.get(tensor.name) }));
  const stateOf = ({ layer }: Row) => layer?.origin ?? 'equal';
  type Row = (typeof rows)[number];
  const link = ({ name }: Row): Html => {
    const [anchor, label] = [anchors.get(name), html`<code>${name}</code>`];
    return anchor === undefined ? label : html`<a href="#${anchor}">${label}</a>`;
  };
  const columns: readonly Column<Row>[] = [
    ['Tensor', 'text', link],
    ['State', 'text', (row) => html`<span class="state">${STATUS[stateOf(row)]}</span>`],
    [
      'Differ',
      'number',
      ({ layer }) => (layer ? `${formatCount(layer.mismatches)} (${percent(layer.mismatches, layer.elements)})` : '0'),
    ],
    [html`<span class="hidden">Share</span>`, 'bar', ({ layer }) => layer && bar(layer.mismatches / layer.elements)],
    ['By up to', 'number', ({ layer }) => layer && number(layer.maxAbsDiff)],
    ['Causes', 'text', ({ layer }) => (layer?.origin === 'own' ? claim(layer) : undefined)],
    ['Operator', 'text', ({ op }) => op],
    ['Shape', 'text', ({ shape }) => formatShape(shape)],
  ];
  return html`<section>
    <h2 id="layers">Every layer</h2>
    ${scrolling(tableOf(columns, rows, { class: 'tensors', data: ['state', stateOf] }), { labelledBy: 'layers' })}
  </section>`;
}

const number = (value: number): string => (Number.isInteger(value) ? formatCount(value) : value.toPrecision(4));

function section(layer: ReportLayer, id: string): Html {
  const { explanation } = layer;
  const { name, op, shape, origin, mismatches, elements, maxAbsDiff } = explanation;
  const counts =
    `${formatCount(mismatches)} of ${formatCount(elements)} values differ (${percent(mismatches, elements)}), ` +
    `by up to ${number(maxAbsDiff)}`;
  const title = html`<code>${name}</code> <small>${op} ${formatShape(shape)}</small>`;
  if (origin === 'own')
    return html`<section class="layer" data-state="own" id="${id}">
      <h2>${title} <span class="state">${STATUS.own}</span></h2>
      <p class="lead">${counts}</p>
      ${body(layer)}
    </section>`;
  // the target of the list's link lies inside, so that following it opens the details
  return html`<details class="layer" data-state="${origin}">
    <summary>${title} <span class="state">${STATUS[origin]}</span> ${percent(mismatches, elements)}</summary>
    <p class="lead" id="${id}">${counts}. ${RIGHT[origin]}</p>
    ${body(layer)}
  </details>`;
}

function body({ explanation, maps, element }: ReportLayer): Html {
  const { origin, mismatches, ownMismatches, ownMaxAbsDiff, notes } = explanation;
  const isOwn = origin === 'own';
  const [where, total] = isOwn ? [explanation.ownWhere, ownMismatches] : [explanation.where, mismatches];
  return html`${
      isOwn && ownMismatches !== mismatches
        ? html`<p>
            ${formatCount(ownMismatches)} values are this layer's own, by up to ${number(ownMaxAbsDiff)};
            ${restOf(explanation)}. What follows is of the layer's own.
          </p>`
        : undefined
    }
    ${isOwn ? why(explanation) : undefined} ${notes.map((text) => html`<p class="note">${capital(text)}.</p>`)}
    <h3>Where</h3>
    <ul class="where">
      ${(total > 0 ? whereLines(where, total) : []).map((line) => html`<li>${capital(line)}</li>`)}
    </ul>
    <div class="figures">${positions(maps)} ${grid(maps)} ${histogram(where.differences)}</div>
    ${channelMaps(maps)} ${channelTable(where, explanation)}
    ${
      element &&
      html`<details class="element">
        <summary>The element that differs most, in full: ${element.tensor} [${element.index.join(', ')}]</summary>
        ${elementParts(element)}
      </details>`
    }`;
}

function why(layer: LayerExplanation): Html {
  const { causes, ownMismatches, exact, certain, follows } = layer;
  const state = exact ? (certain ? 'certain' : 'uncertain') : 'unexplained';
  return html`<h3>Why</h3>
    ${follows === undefined ? undefined : html`<p>Theirs follows another engine than the reference: ${follows}.</p>`}
    ${
      causes.length > 0
        ? html`<ol class="causes">
            ${causes.map((cause, i) => {
              const others = variants(layer, i);
              return html`<li>
                <p>
                  <span class="side" data-side="${cause.side}">${sideName(cause.side)}</span>
                  <strong>${KINDS[cause.kind]}</strong>
                </p>
                <p>${capital(cause.detail)}.</p>
                <p>What to do: ${adviceFor(cause).what} (<code>${adviceFor(cause).page}</code>).</p>
                <p class="share">
                  ${bar(cause.elements / Math.max(1, ownMismatches))} accounts for ${formatCount(cause.elements)} of
                  ${formatCount(ownMismatches)} (${percent(cause.elements, ownMismatches)})
                </p>
                ${
                  others.length > 0
                    ? html`<details>
                        <summary>
                          ${others.length} other ${others.length === 1 ? 'way gives' : 'ways give'} the same values
                        </summary>
                        <ul>
                          ${others.map((other) => html`<li>${other}</li>`)}
                        </ul>
                      </details>`
                    : undefined
                }
              </li>`;
            })}
          </ol>`
        : undefined
    }
    <div class="found" data-state="${state}">
      ${verdict(layer).map((line) => html`<p>${capital(line.trim())}</p>`)}
    </div>`;
}

function map(picture: { width: number; height: number; data: Uint8Array }, alt: string): Html {
  return html`<img class="map" src="${dataUrl('image/png', encodePng(picture, 3))}" alt="${alt}" />`;
}

const swatch = (colour: string, name: string): Html =>
  html`<span><i class="swatch map" style="background:${colour}"></i> ${name}</span> `;

function positions({ positions: found }: DifferenceMaps): Html | undefined {
  if (!found) return undefined;
  const { picture, most } = found;
  return html`<figure class="positions">
    ${map(picture, 'Where values differ: the number of differing channels at each position')}
    <figcaption>
      <span class="legend"
        >${swatch(EQUAL, 'no channel differs')} ${swatch(COUNT[0], 'one')}
        ${most > 1 ? swatch(COUNT[1], formatCount(most)) : undefined}</span
      >
      Where: how many channels of each pixel differ, ${picture.width} × ${picture.height}
    </figcaption>
  </figure>`;
}

function grid({ grid: picture, legend }: DifferenceMaps): Html | undefined {
  if (!picture) return undefined;
  return html`<figure class="positions">
    ${map(picture, 'theirs − reference of every channel')}
    <figcaption>
      ${legendOf(legend)} theirs − reference of every channel, ${picture.width} a row from the first on
    </figcaption>
  </figure>`;
}

function legendOf({ lower, higher }: Legend): Html {
  return html`<span class="legend">
    <b>theirs lower by</b> ${LOWER.map((colour, i) => swatch(colour, lower[i]!))} <b>higher by</b>
    ${HIGHER.map((colour, i) => swatch(colour, higher[i]!))} ${swatch(EQUAL, 'equal')}
  </span>`;
}

function channelMaps({ channels, legend }: DifferenceMaps): Html | undefined {
  if (channels.length === 0) return undefined;
  return html`<figure class="channels">
    <div class="tiles">
      ${channels.map(
        ({ channel, mismatches, picture }) =>
          html`<figure>
            ${map(picture, `theirs − reference in channel ${channel}`)}
            <figcaption>channel ${channel}: ${formatCount(mismatches)}</figcaption>
          </figure>`,
      )}
    </div>
    <figcaption>
      ${legendOf(legend)} theirs − reference in the ${channels.length === 1 ? 'channel' : `${channels.length} channels`}
      that differ${channels.length === 1 ? 's' : ''} most
    </figcaption>
  </figure>`;
}

/** Channels in the table: those that differ most. */
const MOST_ROWS = 256;

function channelTable({ channels }: Where, { elements }: LayerExplanation): Html {
  const each = elements / channels.length;
  const differing = [...channels.keys()].filter((c) => channels[c]! > 0).sort((a, b) => channels[b]! - channels[a]!);
  return html`<details>
    <summary>By channel: ${formatCount(differing.length)} of ${formatCount(channels.length)} differ</summary>
    ${tableOf<number>(
      [
        ['Channel', 'number', (c) => c],
        ['Differ', 'number', (c) => formatCount(channels[c]!)],
        ['Of its elements', 'number', (c) => percent(channels[c]!, each)],
        [html`<span class="hidden">Share</span>`, 'bar', (c) => bar(channels[c]! / each)],
      ],
      differing.slice(0, MOST_ROWS),
      { class: 'plain' },
    )}
    ${
      differing.length > MOST_ROWS
        ? html`<p class="note">and ${formatCount(differing.length - MOST_ROWS)} more</p>`
        : undefined
    }
  </details>`;
}

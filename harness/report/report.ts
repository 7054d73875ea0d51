import type { TensorComparison } from '../compare/compare.ts';
import { formatCount, formatProbability, formatShape, verdict } from './format.ts';
import type { ReportClass, ReportData, ReportPicture } from './data.ts';
import { dataUrl, document, facts } from './document.ts';
import type { FeatureMaps } from './feature_maps.ts';
import { html, type Html } from './html.ts';
import { encodePng } from './png.ts';
import { bar, scrolling, tableOf, type Column } from './table.ts';
import reportStyle from './report.css?raw';

/** What was compared, and every tensor of it, as one HTML file. */
export function renderReport(data: ReportData): string {
  const { comparison, against } = data;
  const sentence = verdict(comparison, against);
  const main = html`<header>
      <p class="wordmark">exact8</p>
      <h1 class="verdict" data-equal="${comparison.mismatches === 0 ? 'yes' : 'no'}">${sentence}</h1>
    </header>
    ${about(data)} ${data.pictures.map(picture)} ${tensors(data)}`;
  return document(`exact8: ${data.model.name}, ${sentence}`, reportStyle, main);
}

function about({ model, engine, adapter, runs, pictures, comparison }: ReportData): Html {
  return facts([
    [
      'Model',
      html`${model.name}${model.description === undefined ? '' : html`<br /><small>${model.description}</small>`}`,
    ],
    ['SHA-256', html`<code class="hash">${model.hash}</code>`],
    ['Engine', html`<code>${engine}</code>`],
    ['Adapter', html`${adapter}`],
    ['Compared', html`${comparison.tensors.length} tensors of ${pictures.length} pictures, ${runs} runs each`],
  ]);
}

function picture({ name, mediaType, bytes, seen, classes, features = [] }: ReportPicture): Html {
  return html`<section>
    <h2>${name}</h2>
    <div class="picture">
      <figure>
        <img src="${dataUrl(mediaType, bytes)}" alt="The picture ${name}" />
        <figcaption>as given</figcaption>
      </figure>
      ${
        seen &&
        html`<figure>
          <img src="${dataUrl('image/png', encodePng(seen, 3))}" alt="What the network is fed for ${name}" />
          <figcaption>as the network sees it, ${seen.width} × ${seen.height}</figcaption>
        </figure>`
      }
      <table class="classes">
        <caption>
          Classes
        </caption>
        <tbody>
          ${classes.map(classRow)}
        </tbody>
      </table>
    </div>
    ${features.map(tiles)}
  </section>`;
}

function classRow({ label, probability }: ReportClass): Html {
  return html`<tr>
    <th scope="row">${label}</th>
    <td class="bar">${bar(probability)}</td>
    <td class="number">${formatProbability(probability)}</td>
  </tr>`;
}

function tiles({ name, op, shape, maps }: FeatureMaps): Html {
  return html`<figure class="maps">
    <div class="tiles">
      ${maps.map(
        (map, channel) =>
          html`<img src="${dataUrl('image/png', encodePng(map, 1))}" alt="Channel ${channel} of ${name}" />`,
      )}
    </div>
    <figcaption>
      <code>${name}</code> ${op}, ${formatShape(shape)}: its first ${maps.length} channels, each from its lowest value
      (black) to its highest (white)
    </figcaption>
  </figure>`;
}

function tensors({ comparison, forms = {} }: ReportData): Html {
  const largest = comparison.tensors.reduce((max, { maxAbsDiff }) => Math.max(max, maxAbsDiff), 0);
  const columns: readonly Column<TensorComparison>[] = [
    ['Tensor', 'text', ({ name }) => html`<code>${name}</code>`],
    ['Operator', 'text', ({ op }) => op],
    ['Shape', 'text', ({ shape }) => formatShape(shape)],
    ['Elements', 'number', ({ elements }) => formatCount(elements)],
    ['Mismatches', 'number mismatches', mismatchesOf],
    ['Max diff', 'number', ({ maxAbsDiff }) => maxAbsDiff],
    ['Proved form', 'text', ({ name }) => forms[name]],
  ];
  const foot = html`<tr>
    <th scope="row" colspan="3">Total</th>
    <td class="number">${formatCount(comparison.elements)}</td>
    <td class="number">${formatCount(comparison.mismatches)}</td>
    <td class="number">${largest}</td>
    <td></td>
  </tr>`;
  const equal = ({ mismatches }: TensorComparison): string => (mismatches === 0 ? 'yes' : 'no');
  const table = tableOf(columns, comparison.tensors, { class: 'tensors', data: ['equal', equal], foot });
  return html`<section>
    <h2 id="tensors">Every tensor</h2>
    ${scrolling(table, { labelledBy: 'tensors' })}
  </section>`;
}

function mismatchesOf({ mismatches, first }: TensorComparison): Html {
  const { index, expected, actual } = first ?? {};
  return html`${formatCount(mismatches)}
  ${first && html`<br /><small>first at [${index!.join(', ')}]: ${expected} expected, ${actual} computed</small>`}`;
}

import { html, type Html } from '../report/html.ts';
import { nameOf } from './tasks.ts';
import type { Measured, Tuned, TunedFusion } from './tuned.ts';

/** Slower than this many times the best is all one colour. */
const SLOWEST = 8;

/** 0 for the best of a row, 1 for what takes SLOWEST times as long; on a logarithmic scale. */
export function heat(ms: number, best: number): number {
  return Math.min(1, Math.max(0, Math.log(ms / best) / Math.log(SLOWEST)));
}

interface Row {
  readonly geometry: string;
  readonly count: number;
  /** By the name of what was tried. */
  readonly cells: ReadonlyMap<string, Measured>;
  readonly chosen: string;
}

/** Geometries by what was tried for them. Colours are beside numbers, never in place of them. */
function heatTable(label: string, rows: readonly Row[]): Html {
  const columns = [...new Set(rows.flatMap(({ cells }) => [...cells.keys()]))];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table class="heat">
      <thead>
        <tr>
          <th scope="col">geometry</th>
          <th scope="col">layers</th>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.geometry}</th>
              <td class="number">${row.count}</td>
              ${columns.map((column) => cell(row, column))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell({ cells, chosen }: Row, column: string): Html {
  const measured = cells.get(column);
  if (!measured) return html`<td class="none"></td>`;
  const { ms, mismatches, failure } = measured;
  if (ms === undefined)
    return html`<td class="wrong">${failure === undefined ? `wrong: ${mismatches}` : 'does not run'}</td>`;
  const best = Math.min(...[...cells.values()].flatMap(({ ms }) => ms ?? []));
  const share = Math.round(100 * heat(ms, best));
  const isChosen = column === chosen;
  return html`<td class="number ${isChosen ? 'chosen' : ''}" style="--heat: ${share}%">
    ${ms.toFixed(3)}${isChosen ? ' ●' : ''}
  </td>`;
}

const joined = ({ fusion, dispatches, ms, mismatches }: TunedFusion): Html =>
  html`<li>
    ${fusion}: ${dispatches} dispatches,
    ${ms === undefined ? `wrong: ${mismatches}` : `${ms.toFixed(1)} ms an inference`}
  </li>`;

/** Everything that was measured, to look at; of a tuning that is under way, too. */
export function heatMap({ layers, blocks, fusions }: Pick<Tuned, 'layers' | 'blocks' | 'fusions'>): Html {
  const layerRows = layers.map(({ geometry, layers, variants, best }): Row => ({
    geometry,
    count: layers,
    cells: new Map(variants.map((variant) => [nameOf(variant), variant])),
    chosen: nameOf(best),
  }));
  const blockRows = blocks.map(({ geometry, layers, tiles, best }): Row => ({
    geometry,
    count: layers,
    cells: new Map(tiles.map((tile) => [tile.tile, tile])),
    chosen: best,
  }));
  return html`<p>
      Milliseconds of one dispatch. ● marks what the profile takes; the paler, the nearer to the fastest. Every variant
      was proved equal to the host reference before it was timed.
    </p>
    ${heatTable('Milliseconds by layer and variant', layerRows)}
    ${
      blocks.length > 0
        ? html`<h2>Blocks</h2>
            <p>Milliseconds of an inverted residual block: layer by layer, or as one dispatch of a tile.</p>
            ${heatTable('Milliseconds by block and tile', blockRows)}`
        : ''
    }
    ${
      fusions.length > 0
        ? html`<h2>Joined dispatches</h2>
            <ul>
              ${fusions.map(joined)}
            </ul>`
        : ''
    }`;
}

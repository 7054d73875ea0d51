import { html, Html } from '../report/html.ts';
import themeStyle from '../report/theme.css?raw';
import heatStyle from './heat_map.css?raw';
import type { TunedFusion, TunedLayer, TunedVariant } from './tasks.ts';

/** What is drawn of a tuning. */
export interface HeatMapData {
  readonly adapter: string;
  readonly runtime: string;
  readonly model: string;
  readonly date: string;
  readonly layers: readonly TunedLayer[];
  readonly fusions: readonly TunedFusion[];
  readonly latencyMs?: { readonly untuned: number; readonly tuned: number };
}

const nameOf = ({ variant, tile }: Pick<TunedVariant, 'variant' | 'tile'>): string =>
  tile === undefined ? variant : `${variant} ${tile}`;

/** Slower than this many times the best is all one colour. */
const SLOWEST = 8;

/** 0 for the best variant of a layer, 1 for one that takes SLOWEST times as long; on a logarithmic scale. */
export function heat(ms: number, best: number): number {
  return Math.min(1, Math.max(0, Math.log(ms / best) / Math.log(SLOWEST)));
}

/** Layers by variants, one HTML file without scripts. Colours are beside numbers, never in place of them. */
export function renderHeatMap({ adapter, runtime, model, date, layers, fusions, latencyMs }: HeatMapData): string {
  const columns = [...new Set(layers.flatMap(({ variants }) => variants.map(nameOf)))];
  const row = (layer: TunedLayer) => {
    const best = Math.min(...layer.variants.flatMap(({ ms }) => ms ?? []));
    return html`<tr>
      <th scope="row">${layer.geometry}</th>
      <td class="number">${String(layer.layers)}</td>
      ${columns.map((column) => {
        const variant = layer.variants.find((one) => nameOf(one) === column);
        if (!variant) return html`<td class="none"></td>`;
        if (variant.mismatches > 0) return html`<td class="wrong">wrong: ${String(variant.mismatches)}</td>`;
        const share = Math.round(100 * heat(variant.ms!, best));
        const chosen = nameOf(layer.best) === column;
        return html`<td class="number ${chosen ? 'chosen' : ''}" style="--heat: ${String(share)}%">
          ${variant.ms!.toFixed(3)}${chosen ? ' ●' : ''}
        </td>`;
      })}
    </tr>`;
  };
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <title>exact8 tune: ${model}</title>
        <link rel="icon" href="data:," />
        <style>
          ${new Html(themeStyle + heatStyle)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <p class="wordmark">exact8 tune</p>
            <h1 class="verdict">
              ${
                latencyMs
                  ? `${latencyMs.untuned.toFixed(1)} ms untuned, ${latencyMs.tuned.toFixed(1)} ms tuned`
                  : 'Not complete yet'
              }
            </h1>
            <p>${model} on ${adapter}, ${runtime}, ${date.slice(0, 10)}</p>
          </header>
          <p>
            Milliseconds of one dispatch. ● marks what the profile takes; the paler, the nearer to the fastest. Every
            variant was proved equal to the host reference before it was timed.
          </p>
          <div class="scroll" tabindex="0" role="region" aria-label="Milliseconds by layer and variant">
            <table class="heat">
              <thead>
                <tr>
                  <th scope="col">geometry</th>
                  <th scope="col">layers</th>
                  ${columns.map((column) => html`<th scope="col">${column}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${layers.map(row)}
              </tbody>
            </table>
          </div>
          ${
            fusions.length > 0
              ? html`<h2>Joined dispatches</h2>
                  <ul>
                    ${fusions.map(
                      ({ fusion, dispatches, ms }) =>
                        html`<li>${fusion}: ${String(dispatches)} dispatches, ${ms.toFixed(1)} ms an inference</li>`,
                    )}
                  </ul>`
              : ''
          }
        </main>
      </body>
    </html> `.text;
}

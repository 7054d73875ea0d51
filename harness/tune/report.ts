import { html, Html } from '../report/html.ts';
import themeStyle from '../report/theme.css?raw';
import heatStyle from './heat_map.css?raw';
import { heatMap } from './heat_map.ts';
import type { Tuned } from './tuned.ts';

/** What is drawn of a tuning. */
export interface HeatMapData extends Pick<Tuned, 'layers' | 'blocks' | 'fusions' | 'latencyMs'> {
  readonly adapter: string;
  readonly runtime: string;
  readonly model: string;
  readonly date: string;
}

/** One HTML file without scripts. */
export function renderHeatMap(data: HeatMapData): string {
  const { adapter, runtime, model, date, latencyMs } = data;
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
          ${heatMap(data)}
        </main>
      </body>
    </html> `.text;
}

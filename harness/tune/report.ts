import { document } from '../report/document.ts';
import { html } from '../report/html.ts';
import heatStyle from './heat_map.css?raw';
import { heatMap } from './heat_map.ts';
import type { Tuned } from './tuned.ts';

/** What is drawn of a tuning. */
interface HeatMapData extends Pick<Tuned, 'layers' | 'blocks' | 'fusions' | 'latencyMs'> {
  readonly adapter: string;
  readonly runtime: string;
  readonly model: string;
  readonly date: string;
}

export function renderHeatMap(data: HeatMapData): string {
  const { adapter, runtime, model, date, latencyMs } = data;
  const main = html`<header>
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
    ${heatMap(data)}`;
  return document(`exact8 tune: ${model}`, heatStyle, main);
}

import { html, type Html } from '../../report/html.ts';
import type { Roof } from '../measure/roof.ts';
import type { LayerResult } from '../result.ts';
import { logScale, logTicks } from './scale.ts';

const [WIDTH, HEIGHT] = [640, 380];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 16, 48];

/** Every layer with multiply-adds under the adapter's roof: both axes logarithmic. */
export function rooflinePlot(layers: readonly LayerResult[], roof: Roof): Html {
  const shown = layers.filter(({ macs }) => macs > 0);
  const ridge = roof.gmacs / roof.gbytes;
  const [x0, x1] = range([...shown.map(({ intensity }) => intensity), ridge / 2, 2 * ridge]);
  const [y0, y1] = range([...shown.map(({ gmacs }) => gmacs), roof.gmacs]);
  const x = logScale(x0, x1, LEFT, WIDTH - RIGHT);
  const y = logScale(y0, y1, HEIGHT - BOTTOM, TOP);
  const roofAt = (intensity: number): number => Math.min(roof.gmacs, intensity * roof.gbytes);
  // where the slope comes in from below the chart
  const entry = Math.max(x0, y0 / roof.gbytes);
  const line = [entry, ridge, x1].map((at) => `${x(at).toFixed(1)},${y(roofAt(at)).toFixed(1)}`).join(' ');
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Roofline plot">
    ${logTicks(x0, x1).map(
      (tick) =>
        html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" /><text
            class="tick"
            x="${x(tick)}"
            y="${HEIGHT - BOTTOM + 16}"
            text-anchor="middle"
          >
            ${tick}
          </text>`,
    )}
    ${logTicks(y0, y1).map(
      (tick) =>
        html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}" /><text
            class="tick"
            x="${LEFT - 6}"
            y="${y(tick) + 4}"
            text-anchor="end"
          >
            ${tick}
          </text>`,
    )}
    <text class="axis" x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 8}" text-anchor="middle">multiply-adds a byte</text>
    <text class="axis" transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">GMAC/s</text>
    <polyline class="roof" points="${line}" />
    ${shown.map(
      (layer) =>
        html`<circle class="point ${layer.kind}" cx="${x(layer.intensity)}" cy="${y(layer.gmacs)}" r="4">
          <title>
            ${layer.name}: ${layer.gmacs.toFixed(2)} GMAC/s, ${(100 * layer.roofShare).toFixed(0)} % of the roof
          </title>
        </circle>`,
    )}
  </svg>`;
}

/** A little more than the values. */
function range(values: readonly number[]): [number, number] {
  return [Math.min(...values) / 1.5, Math.max(...values) * 1.5];
}

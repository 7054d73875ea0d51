import { html, type Html } from '../../report/html.ts';
import { linearScale, linearTicks, logScale, logTicks } from './scale.ts';

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: string }[];
}

const [WIDTH, HEIGHT] = [640, 320];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 16, 16, 48];

/** Lines over a logarithmic axis; the other begins at 0. */
export function linePlot(lines: readonly Line[], xTitle: string, yTitle: string): Html {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map(({ x }) => x);
  const [x0, x1] = [Math.min(...xs) / 1.3, Math.max(...xs) * 1.3];
  const ticks = linearTicks(Math.max(...points.map(({ y }) => y)));
  const x = logScale(x0, x1, LEFT, WIDTH - RIGHT);
  const y = linearScale(0, ticks.at(-1)!, HEIGHT - BOTTOM, TOP);
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${yTitle} over ${xTitle}">
      ${logTicks(x0, x1).map(
        (tick) =>
          html`<text class="tick" x="${x(tick)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${tick}</text>`,
      )}
      ${ticks.map(
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
      <text class="axis" x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xTitle}</text>
      <text class="axis" transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${yTitle}</text>
      ${lines.map(
        (line, i) =>
          html`<g class="series-${i}">
            <polyline
              points="${line.points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')}"
            />${line.points.map(
              (point) =>
                html`<circle cx="${x(point.x)}" cy="${y(point.y)}" r="4"><title>${point.label}</title></circle>`,
            )}
          </g>`,
      )}
    </svg>
    <p class="legend">${lines.map((line, i) => html`<span class="series-${i}">${line.name}</span> `)}</p>`;
}

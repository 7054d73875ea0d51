import type { Where } from '../explain/explanation.ts';
import { formatCount } from './format.ts';
import { html, type Html } from './html.ts';
import { tableOf } from './table.ts';

/** Bars up to which each difference has its own. */
const MOST_BARS = 65;

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly elements: number;
}

/** Differences in equal steps from the smallest to the largest; none reaches over 0. */
export function bars(differences: Where['differences']): Bar[] {
  const [least, most] = [differences[0]?.difference ?? 0, differences.at(-1)?.difference ?? 0];
  const step = Math.max(1, Math.ceil((most - least + 1) / MOST_BARS));
  const bin = (difference: number): number => Math.sign(difference) * Math.ceil(Math.abs(difference) / step);
  const counts = new Map<number, number>();
  for (const { difference, elements } of differences)
    counts.set(bin(difference), (counts.get(bin(difference)) ?? 0) + elements);
  const all: Bar[] = [];
  for (let k = bin(least); k <= bin(most); k++) {
    const ends = [(Math.abs(k) - 1) * step + 1, Math.abs(k) * step].map((end) => Math.sign(k) * end + 0);
    const [from, to] = [Math.max(least, Math.min(...ends)), Math.min(most, Math.max(...ends))];
    all.push({ from, to, elements: counts.get(k) ?? 0 });
  }
  return all;
}

const name = ({ from, to }: Bar): string => (from === to ? signed(from) : `${signed(from)} to ${signed(to)}`);
const signed = (difference: number): string =>
  difference > 0 ? `+${difference}` : String(difference).replace('-', '−');

/** How often each difference theirs - reference occurs; a bar's height is logarithmic, so that single elements show. */
export function histogram(differences: Where['differences']): Html | undefined {
  if (differences.length === 0) return undefined;
  const all = bars(differences);
  const most = Math.log1p(Math.max(...all.map(({ elements }) => elements)));
  const height = (elements: number): string => ((100 * Math.log1p(elements)) / most).toFixed(2);
  const [first, last] = [all[0]!, all.at(-1)!];
  const largest = differences.toSorted((a, b) => b.elements - a.elements)[0]!;
  const summary =
    `Differences from ${signed(differences[0]!.difference)} to ${signed(differences.at(-1)!.difference)}; ` +
    `the most frequent is ${signed(largest.difference)}, ${formatCount(largest.elements)} times`;
  return html`<figure class="histogram">
    <svg viewBox="0 0 ${all.length} 100" preserveAspectRatio="none" role="img" aria-label="${summary}">
      ${all
        .map((bar, x) => ({ bar, x }))
        .filter(({ bar }) => bar.elements > 0)
        .map(
          ({ bar, x }) =>
            html`<rect
              class="${bar.from < 0 ? 'lower' : 'higher'}"
              x="${x + 0.08}"
              width="0.84"
              y="${(100 - Number(height(bar.elements))).toFixed(2)}"
              height="${height(bar.elements)}"
            >
              <title>${name(bar)}: ${formatCount(bar.elements)}</title>
            </rect>`,
        )}
    </svg>
    <div class="axis" aria-hidden="true"><span>${name(first)}</span><span>${name(last)}</span></div>
    <figcaption>
      How often each difference occurs (theirs − reference; heights are logarithmic). ${summary}.
      <details>
        <summary>As a table</summary>
        ${tableOf<Bar>(
          [
            ['Difference', 'number', name],
            ['Elements', 'number', ({ elements }) => formatCount(elements)],
          ],
          all.filter(({ elements }) => elements > 0),
          { class: 'plain' },
        )}
      </details>
    </figcaption>
  </figure>`;
}

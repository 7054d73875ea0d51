import { Exact8Error } from '../../../src/errors.ts';
import type { ElementAnalysis } from '../../explain/element.ts';
import { elementSections, type Table } from '../../explain/element/sections.ts';
import { element, fill } from '../dom.ts';

/** A button that takes the first mismatch apart, as `exact8 explain --at` does, and shows it in its own place. */
export function elementOpener(analyze: () => ElementAnalysis): HTMLElement {
  const place = element('div', { class: 'element' });
  const open = (): void => {
    try {
      fill(place, ...parts(analyze()));
    } catch (error) {
      // operators that only move values have no arithmetic to show
      if (!(error instanceof Exact8Error)) throw error;
      fill(place, element('p', { class: 'hint' }, error.message));
    }
    place.focus();
  };
  place.tabIndex = -1;
  place.append(element('button', { type: 'button', click: open }, 'Take this element apart'));
  return place;
}

function parts(analysis: ElementAnalysis): HTMLElement[] {
  return [
    element('p', { class: 'hint' }, '“theirs” is what was computed here, “reference” what it was compared with.'),
    ...elementSections(analysis).map(({ title, content }) =>
      element(
        'section',
        {},
        element('h4', {}, title),
        ...content.map((part) => (typeof part === 'string' ? element('pre', {}, part) : table(part, title))),
      ),
    ),
  ];
}

function table({ head, rows, right }: Table, title: string): HTMLElement {
  const align = (column: number) => ({ class: right.includes(head[column]!) && 'number' });
  return element(
    'div',
    { class: 'scroll', role: 'region', 'aria-label': title, tabindex: 0 },
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element('tr', {}, ...head.map((name, i) => element('th', { scope: 'col', ...align(i) }, name))),
      ),
      element(
        'tbody',
        {},
        ...rows.map((row) => element('tr', {}, ...row.map((cell, i) => element('td', align(i), cell)))),
      ),
    ),
  );
}

import type { RankedClass } from '../../../src/classes.ts';
import { formatProbability } from '../../report/format.ts';
import { byId, element, fill } from '../dom.ts';
import type { LabState } from '../state.ts';
import { rgbCanvas } from './pictures.ts';

const SVG = 'http://www.w3.org/2000/svg';

/** The most probable classes, and the picture as the network sees it. */
export function showClasses({ classes, seen }: LabState): void {
  if (!classes) return fill(byId('classes'));
  const table = element(
    'table',
    { class: 'classes' },
    element('caption', {}, 'Classes'),
    element('tbody', {}, ...classes.map(row)),
  );
  const figure =
    seen &&
    element(
      'figure',
      { class: 'seen' },
      rgbCanvas(seen, 'The picture as the network sees it'),
      element('figcaption', {}, `as the network sees it, ${seen.width} × ${seen.height}`),
    );
  fill(byId('classes'), table, figure);
}

function row({ label, score, probability }: RankedClass): HTMLElement {
  return element(
    'tr',
    { title: `score ${score}` },
    element('th', { scope: 'row' }, label),
    element('td', { class: 'bar' }, bar(probability)),
    element('td', { class: 'number' }, formatProbability(probability)),
  );
}

function bar(probability: number): Element {
  const svg = document.createElementNS(SVG, 'svg');
  const rect = document.createElementNS(SVG, 'rect');
  const attributes = { viewBox: '0 0 100 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  rect.setAttribute('width', String(100 * probability));
  rect.setAttribute('height', '1');
  svg.append(rect);
  return svg;
}

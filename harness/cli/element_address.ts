import { elementSections } from '../explain/element/sections.ts';
import type { ElementAnalysis } from '../explain/element.ts';
import { table } from './output.ts';

/** An element's analysis as text. */
export function elementText(analysis: ElementAnalysis): string {
  return elementSections(analysis)
    .map(({ title, content }) =>
      [title, ...content.map((part) => (typeof part === 'string' ? part : table(part.head, part.rows, part.right)))]
        .map((text, i) => (i === 0 ? text : text.replaceAll(/^/gm, '  ')))
        .join('\n'),
    )
    .join('\n\n');
}

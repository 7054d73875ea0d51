import type { ElementAnalysis } from '../explain/element.ts';
import { elementSections, type Table } from '../explain/element/sections.ts';
import { html, type Html } from './html.ts';
import { scrolling, tableOf, type Column } from './table.ts';

/** An element's analysis, part by part. */
export function elementParts(analysis: ElementAnalysis): Html {
  return html`${elementSections(analysis).map(
    ({ title, content }) =>
      html`<div class="element-part">
        <h4>${title}</h4>
        ${content.map((part) => (typeof part === 'string' ? html`<pre>${part}</pre>` : table(part, title)))}
      </div>`,
  )}`;
}

function table({ head, rows, right }: Table, title: string): Html {
  const columns = head.map((name, i): Column<readonly string[]> => [
    name,
    right.includes(name) ? 'number' : 'text',
    (row) => row[i],
  ]);
  return scrolling(tableOf(columns, rows, { class: 'plain' }), { label: title });
}

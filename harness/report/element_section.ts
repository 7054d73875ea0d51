import type { ElementAnalysis } from '../explain/element.ts';
import { elementSections, type Table } from '../explain/element/sections.ts';
import { html, type Html } from './html.ts';

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
  const align = (column: number): string => (right.includes(head[column]!) ? 'number' : 'text');
  return html`<div class="scroll" role="region" aria-label="${title}" tabindex="0">
    <table class="plain">
      <thead>
        <tr>
          ${head.map((name, i) => html`<th scope="col" class="${align(i)}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) => html`<td class="${align(i)}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

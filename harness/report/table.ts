import { html, type Html, type HtmlValue } from './html.ts';

/** A column: its head, the class of its cells: 'text', 'number' or another, and the cell of a row. */
export type Column<T> = readonly [head: HtmlValue, kind: string, cell: (row: T) => HtmlValue];

interface TableOptions<T> {
  readonly class: string;
  /** What a row says of itself, as its attribute data-NAME. */
  readonly data?: readonly [name: string, of: (row: T) => string];
  readonly foot?: Html;
}

/** A table whose first column holds the heads of its rows. */
export function tableOf<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions<T>): Html {
  const { data, foot } = options;
  const head = ([name, kind]: Column<T>): Html =>
    html`<th scope="col" class="${kind.includes('number') ? 'number' : 'text'}">${name}</th>`;
  const cell = (row: T, [, kind, of]: Column<T>, i: number): Html =>
    i === 0 ? html`<th scope="row" class="${kind}">${of(row)}</th>` : html`<td class="${kind}">${of(row)}</td>`;
  return html`<table class="${options.class}">
    <thead>
      <tr>
        ${columns.map(head)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr ${data && html`data-${data[0]}="${data[1](row)}"`}>
            ${columns.map((column, i) => cell(row, column, i))}
          </tr>`,
      )}
    </tbody>
    ${
      foot &&
      html`<tfoot>
        ${foot}
      </tfoot>`
    }
  </table>`;
}

/** What is wider than the page scrolls. @param label what it is, where no heading has the id `labelledBy` */
export function scrolling(content: Html, { label, labelledBy }: { label?: string; labelledBy?: string }): Html {
  const name = label === undefined ? html`aria-labelledby="${labelledBy}"` : html`aria-label="${label}"`;
  return html`<div class="scroll" role="region" ${name} tabindex="0">${content}</div>`;
}

/** A share of 1 as a bar. */
export function bar(share: number): Html {
  return html`<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    <rect width="${(100 * share).toFixed(3)}" height="1" />
  </svg>`;
}

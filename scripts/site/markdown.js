// A document of the repository as HTML of the site.
import { existsSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { Marked } from 'marked';
import { PAGES } from './pages.js';

export const escape = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** From one page to another, or to a file: whatever path the site stands under. */
export const link = (from, to) => relative(dirname(from), to) || '.';

const pageOf = (source) => PAGES.find((page) => page.source === source)?.path;

/** As GitHub makes them: links within documents work on both. */
export function slug(text, seen) {
  const plain = text.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
  const base = plain.trim().replaceAll(/\s/g, '-');
  const count = seen.get(base) ?? 0;
  seen.set(base, count + 1);
  return count === 0 ? base : `${base}-${count}`;
}

/**
 * @param {string} text of a document
 * @param {{ path: string, source: string }} page where it stands, in the site and in the repository
 * @param {(file: string) => void} needs is told of files of the repository that the page shows or links to
 * @returns {string}
 */
export function toHtml(text, { path, source }, needs) {
  const seen = new Map();
  /** @throws where a document links to what there is not: a reader would find nothing */
  const resolve = (href) => {
    if (/^[a-z]+:/.test(href) || href.startsWith('#')) return href;
    const [file, anchor] = href.split('#');
    const target = normalize(join(dirname(source), file));
    if (!existsSync(target)) throw new Error(`${source} links to ${href}, which is not there`);
    const page = pageOf(target);
    if (page) return `${link(path, page)}.html${anchor ? `#${anchor}` : ''}`;
    needs(target);
    return link(path, `files/${target}`);
  };
  const inline = (renderer, tokens) => renderer.parser.parseInline(tokens);
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text: own }) {
        const id = slug(own.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'), seen);
        return `<h${depth} id="${escape(id)}">${inline(this, tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        return `<a href="${escape(resolve(href))}">${inline(this, tokens)}</a>`;
      },
      image({ href, text: alt }) {
        return `<img src="${escape(resolve(href))}" alt="${escape(alt)}">`;
      },
      // what is wider than the page is scrolled, with the keyboard, too
      code({ text: code, lang }) {
        const label = lang ? ` aria-label="${escape(lang)}"` : '';
        return `<pre tabindex="0" role="group"${label || ' aria-label="text"'}><code>${escape(code)}</code></pre>\n`;
      },
      table({ header, rows }) {
        const cells = (row, tag) =>
          row
            .map(({ tokens, text }) => {
              const name = text === '' ? 'td' : tag;
              return `<${name}>${inline(this, tokens)}</${name}>`;
            })
            .join('');
        const empty = header.every(({ text: cell }) => cell === '');
        const head = empty ? '' : `<thead><tr>${cells(header, 'th')}</tr></thead>`;
        const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
        return `<div class="scroll" tabindex="0" role="group" aria-label="table"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  return marked.parse(text);
}

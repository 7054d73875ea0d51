import { html, Html } from './html.ts';
import themeStyle from './theme.css?raw';

/** One HTML file that needs nothing else: styles inside, pictures as data URLs, no scripts. */
export function document(title: string, style: string, main: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${new Html(themeStyle + style)}
        </style>
      </head>
      <body>
        <main>${main}</main>
      </body>
    </html> `.text;
}

/** Terms and what there is to say of them. */
export function facts(rows: readonly (readonly [string, Html])[]): Html {
  return html`<dl class="facts">
    ${rows.map(
      ([term, value]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** Arguments of one call; more would not fit on the stack. */
const CHUNK = 8192;

export function dataUrl(mediaType: string, bytes: Uint8Array): string {
  let binary = '';
  for (let from = 0; from < bytes.length; from += CHUNK)
    binary += String.fromCharCode(...bytes.subarray(from, from + CHUNK));
  return `data:${mediaType};base64,${btoa(binary)}`;
}

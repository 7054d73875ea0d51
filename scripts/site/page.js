// The frame of a page: navigation, and a policy that lets nothing of another host in.
import { GROUPS, PAGES } from './pages.js';
import { escape, link } from './markdown.js';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'";

function navigation(current) {
  const item = ([path, , title]) =>
    `<li><a href="${link(current, path)}.html"${path === current ? ' aria-current="page"' : ''}>${escape(title)}</a></li>`;
  const groups = GROUPS.map(([name, pages]) => `<li><p>${name}</p><ul>${pages.map(item).join('')}</ul></li>`);
  return `<ul>${groups.join('\n')}</ul>`;
}

/** @param {{ path: string, title: string }} page @param {string} content HTML */
export function pageOf({ path, title }, content) {
  const index = PAGES.findIndex((page) => page.path === path);
  const beside = (at, word) => {
    const page = PAGES[index + at];
    return page ? `<a rel="${word}" href="${link(path, page.path)}.html">${escape(page.title)}</a>` : '<span></span>';
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="description" content="8-bit quantized CNNs on WebGPU, equal bit for bit to the engine you name.">
<title>${escape(title === 'exact8' ? title : `${title} · exact8`)}</title>
<link rel="icon" href="${link(path, 'icon.svg')}">
<link rel="stylesheet" href="${link(path, 'site.css')}">
<script type="module" src="${link(path, 'site.js')}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<p class="wordmark"><a href="${link(path, 'index')}.html">exact8</a></p>
<a href="${link(path, 'lab/index.html')}">The lab: a model on your GPU</a>
</header>
<div class="columns">
<nav aria-label="Pages"><details open><summary>Pages</summary>${navigation(path)}</details></nav>
<main id="content" tabindex="-1">
${content}
<p class="beside">${beside(-1, 'prev')}${beside(1, 'next')}</p>
</main>
</div>
</body>
</html>
`;
}

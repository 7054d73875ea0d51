// Builds the site into dist/site, or the folder that is given: the documents as pages, the API, and the lab. It works under any
// path, and without a network after a first visit.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apiPage } from './site/api.js';
import { toHtml } from './site/markdown.js';
import { pageOf } from './site/page.js';
import { PAGES } from './site/pages.js';
import { ensureBuilt } from './fresh.js';

const OUT = process.argv[2] ?? 'dist/site';
/** The lab needs more than a page of text: onnxruntime's wasm, workers, and pictures of yours. */
const LAB = 'dist/lab';

function write(path, data) {
  mkdirSync(dirname(join(OUT, path)), { recursive: true });
  writeFileSync(join(OUT, path), data);
}

const filesUnder = (folder) =>
  readdirSync(join(OUT, folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter((name) => statSync(join(OUT, name)).isFile());

if (!(await ensureBuilt())) process.exit(1);
rmSync(OUT, { recursive: true, force: true });
const needed = new Set();
for (const page of PAGES) {
  // the API has no document of its own, and stands where its neighbours do
  const source = page.source ?? 'docs/api.md';
  const text = page.source ? readFileSync(page.source, 'utf8') : apiPage();
  write(
    `${page.path}.html`,
    pageOf(
      page,
      toHtml(text, { ...page, source }, (file) => needed.add(file)),
    ),
  );
}
for (const file of needed)
  if (statSync(file).isFile()) cpSync(file, join(OUT, 'files', file));
  else write(`files/${file}/index.html`, listing(file));
write('site.css', readFileSync('harness/report/theme.css', 'utf8') + readFileSync('scripts/site/site.css', 'utf8'));
for (const file of ['site.js', 'icon.svg']) cpSync(`scripts/site/${file}`, join(OUT, file));

const pages = filesUnder('.').sort();
cpSync(LAB, join(OUT, 'lab'), { recursive: true });
const lab = join(OUT, 'lab/index.html');
const script = '<script type="module" src="../site.js"></script>';
writeFileSync(lab, readFileSync(lab, 'utf8').replace('</head>', `${script}\n  </head>`));

const hash = createHash('sha256');
for (const file of filesUnder('.').sort()) hash.update(file).update(readFileSync(join(OUT, file)));
const worker = readFileSync('scripts/site/worker.js', 'utf8')
  .replace('VERSION', hash.digest('hex').slice(0, 16))
  .replace("['FILES']", JSON.stringify(['./', ...pages], undefined, 2));
write('worker.js', worker);
console.log(`${pages.length} files and the lab in ${OUT}`);

/** A folder that a document links to: the names in it. */
function listing(folder) {
  const names = readdirSync(folder).sort();
  for (const name of names)
    if (statSync(join(folder, name)).isFile()) cpSync(join(folder, name), join(OUT, 'files', folder, name));
  const items = names.map((name) => `<li><a href="${name}">${name}</a></li>`).join('\n');
  return pageOf({ path: `files/${folder}/index`, title: folder }, `<h1>${folder}</h1><ul>${items}</ul>`);
}

// Makes the packages of what was built, in dist.packages/ or the folder that is named: NAME/, and NAME-VERSION.tgz. Ranges of versions are those of
// this repository's package.json, which is tested with them.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...path) => join(root, ...path);
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const own = json(at('package.json'));
const out = resolve(process.argv[2] ?? at('dist.packages'));

/** What of dist/ is in which package, and where. */
const PARTS = {
  exact8: { lib: 'dist/lib', browser: 'dist/browser', types: 'dist/types' },
  'exact8-cli': { cli: 'dist/cli', lab: 'dist/lab', worker: 'dist/worker' },
  'exact8-testing': { testing: 'dist' },
};

/** Of a package without a file for it: the notices that its sources begin with, and Apache's text, which is this project's, too. */
function noticesOf(name, license) {
  const files = readdirSync(at('node_modules', name), { recursive: true }).filter((file) => /\.m?js$/.test(file));
  const heads = files.map(
    (file) => /^(?:(?:\/\/.*\n)+|\/\*[^]*?\*\/)/.exec(readFileSync(at('node_modules', name, file), 'utf8'))?.[0],
  );
  const notices = heads
    .filter((head) => head?.includes('Copyright'))
    .map((head) => head.replaceAll(/^(\/\/|\/\*[*!]?| \*\/?) ?/gm, ''));
  const texts = [...new Set(notices)].map((notice) => notice.trim());
  if (license.includes('Apache-2.0')) texts.push(readFileSync(at('LICENSE'), 'utf8').trim());
  if (texts.length === 0) throw new Error(`${name}: no text of its licence, ${license}`);
  return texts;
}

/** The texts that the licences of what is bundled ask for. */
function licences(folder) {
  const lists = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('packages.json'));
  const names = new Set(lists.flatMap((file) => json(join(folder, file))));
  for (const file of lists) rmSync(join(folder, file));
  return [...names].sort().map((name) => {
    const { version, license } = json(at('node_modules', name, 'package.json'));
    const files = readdirSync(at('node_modules', name)).filter((file) => /^(licen[cs]e|notice)/i.test(file));
    const texts = files.map((file) => readFileSync(at('node_modules', name, file), 'utf8').trim());
    return [`${name} ${version}: ${license}`, ...(texts.length > 0 ? texts : noticesOf(name, license))].join('\n\n');
  });
}

function pack(name, parts) {
  const folder = join(out, name);
  for (const [part, path] of Object.entries(parts)) cpSync(at('dist', part), join(folder, path), { recursive: true });
  const texts = licences(folder);
  writeFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), `${texts.join(`\n\n${'='.repeat(80)}\n\n`)}\n`);
  const { dependencies, ...manifest } = json(at('packages', name, 'package.json'));
  const ranges = Object.keys(dependencies ?? {}).map((one) => [one, own.dependencies[one]]);
  const { version, license, engines } = own;
  const whole = {
    ...manifest,
    version,
    license,
    engines,
    ...(ranges.length && { dependencies: Object.fromEntries(ranges) }),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(whole, null, 2)}\n`);
  cpSync(at('LICENSE'), join(folder, 'LICENSE'));
  cpSync(at('packages', name, 'README.md'), join(folder, 'README.md'));
  // without scripts: they are this repository's
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
}

rmSync(out, { recursive: true, force: true });
if (!existsSync(at('dist/lib'))) throw new Error('nothing is built: npm run build');
mkdirSync(out, { recursive: true });
for (const [name, parts] of Object.entries(PARTS)) pack(name, parts);

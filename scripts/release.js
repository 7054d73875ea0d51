// All of a release but publishing: the version is new in the changelog, all tests pass, the packages are packed.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (execFileSync('git', ['status', '--porcelain'], { cwd: root }).length > 0)
  fail('there are changes that are not committed: a release is of a commit');
if (execFileSync('git', ['tag', '--list', `v${version}`], { cwd: root }).length > 0)
  fail(`v${version} was released: set the next version in package.json`);
if (!readFileSync(`${root}CHANGELOG.md`, 'utf8').includes(version))
  fail(`CHANGELOG.md does not say what ${version} is`);

run('npm', 'test');
run(process.execPath, 'scripts/build.js');
run(process.execPath, 'scripts/pack.js');

const tarballs = readdirSync(`${root}dist.packages`).filter((file) => file.endsWith('.tgz'));
console.log(`\nThe packages of ${version} are in dist.packages/. To publish them:\n`);
console.log(`  git tag v${version} && git push --tags`);
for (const file of tarballs) console.log(`  npm publish dist.packages/${file}`);

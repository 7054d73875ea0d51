// Every test: types, lint, format, units in Node, the GPU and the command in headless Chrome. Ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'exact8-test-'));
const [unitReport, browserReport] = ['units.json', 'browser.json'].map((name) => join(folder, name));

const totals = { passed: 0, failed: 0, skipped: [] };

function run(title, command, args, env = {}) {
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return status === 0;
}

/** A stage without cases of its own counts as one test. */
function stage(title, command, ...args) {
  if (run(title, command, args)) totals.passed++;
  else totals.failed++;
}

function report(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function units() {
  const ok = run('units', 'npx', [
    'vitest',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${unitReport}`,
  ]);
  const result = report(unitReport);
  const cases = result?.testResults.flatMap((file) => file.assertionResults) ?? [];
  const failed = cases.filter((c) => c.status === 'failed').length;
  totals.passed += cases.filter((c) => c.status === 'passed').length;
  totals.failed += Math.max(failed, Number(!ok));
  totals.skipped.push(...cases.filter((c) => ['pending', 'skipped', 'todo'].includes(c.status)).map((c) => c.fullName));
}

function browser() {
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: browserReport };
  const ok = run('headless Chrome', 'npx', ['playwright', 'test', '--reporter=list,json'], env);
  const result = report(browserReport);
  const specs = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specs)];
  const all = (result?.suites ?? []).flatMap(specs);
  const status = (spec) => spec.tests[0]?.status;
  const failed = all.filter((spec) => !['expected', 'skipped'].includes(status(spec))).length;
  totals.passed += all.filter((spec) => status(spec) === 'expected').length;
  totals.failed += Math.max(failed, Number(!ok));
  totals.skipped.push(...all.filter((spec) => status(spec) === 'skipped').map((spec) => spec.title));
}

stage('build', process.execPath, 'scripts/build.js');
stage('types', 'npx', 'tsc', '-p', 'tsconfig.json', '--noEmit');
stage('lint', 'npx', 'eslint', '.');
stage('format', 'npx', 'prettier', '--check', '--log-level', 'warn', '.');
units();
browser();
rmSync(folder, { recursive: true });

if (totals.skipped.length > 0) console.log(`\nSkipped:\n${totals.skipped.map((name) => `  ${name}`).join('\n')}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;

// Every test: types, lint, format, units in Node, the GPU and the command in headless Chrome. Ends with one line that counts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endBy, supervise } from '../harness/process/supervise.js';
import { statics, together } from './statics.js';

const folder = mkdtempSync(join(tmpdir(), 'exact8-test-'));
const [unitReport, browserReport] = ['units.json', 'browser.json'].map((name) => join(folder, name));

const totals = { passed: 0, failed: 0, skipped: [] };

/** A signal to this process ends what it runs, and leaves nothing of it. */
async function goOn(asked) {
  if (!asked) return;
  rmSync(folder, { recursive: true });
  endBy(asked);
  await new Promise(() => undefined);
}

async function run(title, command, args, env = {}) {
  console.log(`\n== ${title}`);
  const { code, asked } = await supervise(command, args, { env });
  await goOn(asked);
  return code === 0;
}

/** A stage without cases of its own counts as one test. */
async function withoutCases() {
  // the build checks the types of the library
  const { 'types of the library': _, ...others } = statics({ cached: false });
  const checks = Object.entries(others).map(([name, args]) => [name, ['npx', args]]);
  const stages = { build: [process.execPath, ['scripts/build.js']], ...Object.fromEntries(checks) };
  const { failed, asked } = await together(stages);
  await goOn(asked);
  totals.failed += failed.length;
  totals.passed += Object.keys(stages).length - failed.length;
}

function report(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function units() {
  const ok = await run('units', 'npx', [
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

async function browser() {
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: browserReport };
  const ok = await run('headless Chrome', 'npx', ['playwright', 'test', '--reporter=list,json'], env);
  const result = report(browserReport);
  const specs = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specs)];
  const all = (result?.suites ?? []).flatMap(specs);
  const status = (spec) => spec.tests[0]?.status;
  const failed = all.filter((spec) => !['expected', 'skipped'].includes(status(spec))).length;
  totals.passed += all.filter((spec) => status(spec) === 'expected').length;
  totals.failed += Math.max(failed, Number(!ok));
  totals.skipped.push(...all.filter((spec) => status(spec) === 'skipped').map((spec) => spec.title));
}

await withoutCases();
await units();
await browser();
rmSync(folder, { recursive: true });

if (totals.skipped.length > 0) console.log(`\nSkipped:\n${totals.skipped.map((name) => `  ${name}`).join('\n')}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;

// In seconds, what a change is likely to break: types, lint, format, and the units that import a file that has changed
// since the last commit, or since the one that is named: `npm run check -- main`.
import { endBy } from '../harness/process/supervise.js';
import { statics, together } from './statics.js';

const [since] = process.argv.slice(2);
/** They read files that they do not import. */
const READ_FILES = ['tests/architecture.test.ts', 'src/kernels/interfaces.test.ts', 'src/gpu/shaders.test.ts'];

const units = (...args) => ['npx', ['vitest', 'run', '--silent=passed-only', '--passWithNoTests', ...args]];
const stages = Object.entries(statics({ cached: true })).map(([name, args]) => [name, ['npx', args]]);
for (const part of [
  Object.fromEntries(stages),
  { 'units of what changed': units(since ? `--changed=${since}` : '--changed'), 'house rules': units(...READ_FILES) },
]) {
  const { failed, asked } = await together(part);
  if (failed.length > 0) process.exitCode = 1;
  if (asked) {
    endBy(asked);
    break;
  }
}

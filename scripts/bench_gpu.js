// The whole measurement of a GPU in one command: `npm run bench:gpu [-- OPTIONS OF exact8 bench]`. Well within ten
// minutes, without a network. Writes bench-gpu/bench.json and bench-gpu/bench.html.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { endBy, supervise } from '../harness/process/supervise.js';

const FOLDER = 'bench-gpu';
const BENCH = ['bench', '--plans', 'none,layers,blocks', '--time-limit', '60', '--json'];

const own = process.argv.slice(2);
// WebAssembly has no share in a GPU's measurement, and other engines need a page
const peers =
  own.includes('--webgpu') || own.includes('--against') ? [] : ['--against', 'tfjs-webgpu,onnxruntime-webgpu'];

/** A signal to this process ends what it runs. */
async function run(args, stdout) {
  const { code, asked } = await supervise(process.execPath, args, { stdio: ['inherit', stdout, 'inherit'] });
  if (asked) endBy(asked);
  return code ?? 4;
}

if ((await run(['scripts/build.js'], 'inherit')) !== 0) process.exit(4);
// figures of a kernel that is wrong are worth nothing
const adapter = own.flatMap((option, i) => (['--webgpu', '--adapter'].includes(option) ? [option, own[i + 1]] : []));
const wrong = await run(['dist/cli/main.js', 'cases', '--count', '150', ...adapter], 'inherit');
if (wrong !== 0) process.exit(wrong);
mkdirSync(FOLDER, { recursive: true });
const part = `${FOLDER}/bench.json.part`;
const json = openSync(part, 'w');
process.exitCode = await run(['dist/cli/main.js', ...BENCH, ...peers, '--html', `${FOLDER}/bench.html`, ...own], json);
closeSync(json);
const isMeasured = statSync(part).size > 0;
if (isMeasured) renameSync(part, `${FOLDER}/bench.json`);
else rmSync(part);
console.log(isMeasured ? `${FOLDER}/bench.json, ${FOLDER}/bench.html` : 'nothing was measured');

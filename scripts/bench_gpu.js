// The whole measurement of a GPU in one command: `npm run bench:gpu [-- OPTIONS OF exact8 bench]`. Well within ten
// minutes, without a network. Writes bench-gpu/bench.json and bench-gpu/bench.html.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const FOLDER = 'bench-gpu';
const BENCH = [
  'bench',
  '--cases',
  '150',
  '--batches',
  '1,2,4,8,16,32,64',
  '--plans',
  'none,layers,blocks',
  '--time-limit',
  '60',
  '--json',
];

const own = process.argv.slice(2);
// WebAssembly has no share in a GPU's measurement, and other engines need a page
const peers =
  own.includes('--webgpu') || own.includes('--against') ? [] : ['--against', 'tfjs-webgpu,onnxruntime-webgpu'];

function run(command, args, stdout) {
  const { status, stdout: output } = spawnSync(command, args, {
    stdio: ['inherit', stdout, 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { status, output };
}

const built = run(process.execPath, ['scripts/build.js'], 'inherit');
if (built.status !== 0) process.exit(4);
mkdirSync(FOLDER, { recursive: true });
const measured = run(
  process.execPath,
  ['dist/cli/main.js', ...BENCH, ...peers, '--html', `${FOLDER}/bench.html`, ...own],
  'pipe',
);
if (measured.output) writeFileSync(`${FOLDER}/bench.json`, measured.output);
console.log(measured.output ? `${FOLDER}/bench.json, ${FOLDER}/bench.html` : 'nothing was measured');
process.exitCode = measured.status ?? 4;

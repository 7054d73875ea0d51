// npm run test:webgpu: the built-in model, and the models of ../shared where it is there, on every WebGPU.
// Arguments are passed on: --only deno+llvmpipe, --install, --cases 1000, --markdown docs/webgpu.md ...
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { endBy, supervise } from '../harness/process/supervise.js';

const MODELS = '../shared/models';

const args = ['--import', 'tsx', 'tests/soak/main.ts', 'matrix', 'default'];
if (existsSync(MODELS)) {
  const models = readdirSync(MODELS).filter((name) => /\.(onnx|pth)$/.test(name));
  args.push(...models.sort().map((name) => join(MODELS, name)));
}
/** A signal to this process ends what it runs. */
async function run(args) {
  const { code, asked } = await supervise(process.execPath, args);
  if (asked) endBy(asked);
  return code ?? 4;
}
process.exitCode = (await run(['scripts/build.js'])) || (await run([...args, ...process.argv.slice(2)]));

// npm run test:webgpu: the built-in model, and the models of ../shared where it is there, on every WebGPU: exact8 matrix.
// Arguments are passed on: --only deno+llvmpipe, --install, --json, --cases 1000, --markdown docs/webgpu.md ...
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const MODELS = '../shared/models';
const PHOTO = '../shared/photos/cat_720p.jpg';

const args = ['dist/cli/main.js', 'matrix', 'default'];
if (existsSync(MODELS)) {
  const models = readdirSync(MODELS).filter((name) => /\.(onnx|pth|tflite)$/.test(name));
  args.push(...models.sort().map((name) => join(MODELS, name)), '--image', PHOTO);
}
const run = (args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 4;
process.exitCode = run(['scripts/build.js']) || run([...args, ...process.argv.slice(2)]);

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { exact8 } from './command.ts';
import { chosen } from '../tests/helpers/long.ts';
import { smallModel } from '../tests/helpers/small_model.ts';

test.describe.configure({ timeout: 120_000 });

/** Kernels, by a line of each: QuantizeLinear, which networks begin with, and a depthwise convolution, which tune tries. */
const LINES = [
  'let keys_$w = keys_of(input[index_$w]);',
  'let w = weights[(ky * geometry.window.kernel_width + kx) * out_groups + group];',
];
/** A loop that changed no memory might be left out. */
const ENDLESS = 'while (output[0] != 4294967295u) { output[0] += 1u; }';

/** A copy of what was built in which the kernels do not end; the test's folder is inside the project, so it finds its packages. */
function planted(): string {
  const copy = test.info().outputPath('planted');
  cpSync('dist', copy, { recursive: true });
  const assets = join(copy, 'lab/assets');
  let changed = 0;
  // all else is no text: onnxruntime-web's WebAssembly
  for (const name of readdirSync(assets).filter((name) => name.endsWith('.js'))) {
    let text = readFileSync(join(assets, name), 'utf8');
    for (const line of LINES) {
      changed += Number(text.includes(line));
      text = text.replace(line, () => `${line} ${ENDLESS}`);
    }
    writeFileSync(join(assets, name), text);
  }
  expect(changed).toBe(LINES.length);
  return copy;
}

/** Runs a command that has to give up: what it says, and that nothing of its browser is left. */
async function givesUp(args: readonly string[], dist: string): Promise<string> {
  // short: Chromium makes a socket in it
  const folder = mkdtempSync(join(tmpdir(), 'exact8-'));
  const begin = Date.now();
  const { code, stdout, stderr } = await exact8([...args, '--timeout', '2'], { TMPDIR: folder }, dist);
  expect(code, stderr).toBe(3);
  expect(stderr).toContain('nothing came back from the GPU for 2 s');
  expect(stdout).not.toContain('mismatches');
  expect(Date.now() - begin).toBeLessThan(60_000);
  expect(readdirSync(folder)).toEqual([]);
  if (process.platform === 'linux') expect(processesOf(folder)).toEqual([]);
  rmdirSync(folder);
  return stderr;
}

/** Command lines that name a folder. */
function processesOf(folder: string): string[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(folder) ? [line] : [];
    } catch {
      // ended meanwhile
      return [];
    }
  });
}

test('a kernel that does not end: commands give the GPU up, with exit code 3, and leave nothing', async () => {
  const dist = planted();
  const model = test.info().outputPath('small.onnx');
  writeFileSync(model, await smallModel());
  const commands = chosen(
    [
      ['cases', '--count', '60'],
      ['verify', '--model', model, '--random', '1', '--fusion', 'none'],
    ],
    [
      ['cases', '--graphs', '--against', 'onnxruntime', '--count', '60'],
      ['tune', '--model', model, '--out', test.info().outputPath('profile.json')],
    ],
  );
  for (const command of commands) await givesUp(command, dist);
});

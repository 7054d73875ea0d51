import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';

const SUPERVISE = pathToFileURL(resolve('harness/process/supervise.js')).href;
const PATIENT = `
  process.on('SIGINT', () => setTimeout(() => { console.log('result'); process.exit(0); }, 1500));
  process.send({ patient: true });
  setInterval(() => undefined, 1000);
  console.log('ready');`;

/** What a supervised program that stops when it is asked prints, where signals come after these waits. */
async function printed(...waits: readonly number[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'exact8-test-'));
  try {
    writeFileSync(join(folder, 'patient.cjs'), PATIENT);
    const run = `supervise(process.execPath, ['patient.cjs'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })`;
    writeFileSync(join(folder, 'parent.mjs'), `import { supervise } from '${SUPERVISE}';\nawait ${run};\n`);
    const parent = spawn(process.execPath, ['parent.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    const ended = new Promise((resolve) => parent.on('close', resolve));
    for await (const chunk of parent.stdout.setEncoding('utf8')) {
      text += chunk;
      if (!text.endsWith('ready\n')) continue;
      for (const ms of waits) {
        await wait(ms);
        parent.kill('SIGINT');
      }
    }
    await ended;
    return text;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it.skipIf(process.platform === 'win32')(
  'one Ctrl+C that npm passes on, too, is one: the result is printed; a later one kills (no signals on Windows)',
  { timeout: 30_000 },
  async () => {
    expect(await printed(100, 20)).toBe('ready\nresult\n');
    expect(await printed(100, 600)).toBe('ready\n');
  },
);

it.skipIf(process.platform === 'win32')(
  'under npm, whose shell ends without passing a signal on, nothing is left either (no signals on Windows)',
  { timeout: 30_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'exact8-test-'));
    try {
      const endless = `['-e', 'console.log(process.pid); setInterval(() => undefined, 1000)']`;
      const run = `await supervise(process.execPath, ${endless});`;
      writeFileSync(join(folder, 'parent.mjs'), `import { supervise } from '${SUPERVISE}';\n${run}\n`);
      const env = { ...process.env, npm_lifecycle_event: 'test' };
      const shell = spawn('sh', ['-c', 'node parent.mjs; true'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
        env,
      });
      const pid = await new Promise<number>((resolve) => shell.stdout.once('data', (text) => resolve(Number(text))));
      shell.kill('SIGTERM');
      const isThere = (): boolean => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      };
      expect(isThere()).toBe(true);
      for (let i = 0; i < 100 && isThere(); i++) await wait(100);
      expect(isThere()).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

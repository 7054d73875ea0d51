import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'playwright/test';
import { chosen } from '../tests/helpers/long.ts';
import { smallModel } from '../tests/helpers/small_model.ts';

test.describe.configure({ timeout: 600_000 });

// half a gigabyte is installed
for (const workflow of chosen([], ['examples/github/exact8.yml']))
  test(`${workflow}: its steps run in a fresh folder, with the packed command`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'exact8-workflow-'));
    try {
      execFileSync(process.execPath, ['scripts/pack.js', join(folder, 'tarballs')]);
      const tarball = readdirSync(join(folder, 'tarballs')).find((name) => /^exact8-cli-.*\.tgz$/.test(name))!;
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
      writeFileSync(join(folder, 'model.onnx'), await smallModel());
      const steps = [...readFileSync(resolve(workflow), 'utf8').matchAll(/^ +- run: (.*)$/gm)].map(([, step]) => step!);
      expect(steps).toHaveLength(3);
      for (const step of steps) {
        const command = step.replace(/(install .*)\bexact8-cli$/, `$1./tarballs/${tarball}`);
        execFileSync('bash', ['-e', '-c', command], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
      }
      expect(readFileSync(join(folder, 'verify.xml'), 'utf8')).toMatch(
        /<testsuites tests="\d+" failures="0" errors="0"/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';

/**
 * A copy of what was built, in which one shader is wrong, in the running test's own folder; that is inside the project, so
 * that the copy finds its packages.
 */
export function plant(right: string, wrong: string): string {
  const planted = test.info().outputPath('planted/dist');
  cpSync('dist', planted, { recursive: true });
  const assets = join(planted, 'lab/assets');
  // all else is no text: onnxruntime-web's WebAssembly
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const changed = scripts.filter((name) => {
    const text = readFileSync(join(assets, name), 'utf8');
    writeFileSync(join(assets, name), text.replace(right, wrong));
    return text.includes(right);
  });
  expect(changed).toHaveLength(1);
  return planted;
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoBrowserError } from '../harness/chrome/errors.ts';
import { findChrome } from '../harness/chrome/find.ts';
import { describeAdapter } from '../harness/chrome/launch.ts';
import { servePage, type PageServer } from '../harness/chrome/server.ts';

describe('findChrome', () => {
  const only = (...paths: string[]): { exists: (path: string) => boolean } => ({
    exists: (path) => paths.includes(path),
  });

  it('takes what EXACT8_CHROME says, before anything else', () => {
    const env = { EXACT8_CHROME: '/mine', PATH: '/usr/bin' };
    expect(findChrome({ platform: 'linux', env, ...only('/mine', '/usr/bin/chromium') })).toBe('/mine');
    expect(() => findChrome({ platform: 'linux', env, ...only('/usr/bin/chromium') })).toThrow(NoBrowserError);
  });

  it.each<[NodeJS.Platform, string, Record<string, string>]>([
    ['linux', '/usr/bin/chromium', {}],
    ['linux', '/somewhere/google-chrome', { PATH: '/nowhere:/somewhere' }],
    ['linux', '/snap/bin/chromium', {}],
    ['darwin', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', {}],
    ['darwin', '/Users/me/Applications/Chromium.app/Contents/MacOS/Chromium', { HOME: '/Users/me' }],
    ['win32', 'C:\\Programs\\Google\\Chrome\\Application\\chrome.exe', { PROGRAMFILES: 'C:\\Programs' }],
    ['win32', 'C:\\x86\\Microsoft\\Edge\\Application\\msedge.exe', { 'PROGRAMFILES(X86)': 'C:\\x86' }],
  ])('finds one on %s at %s', (platform, path, env) => {
    expect(findChrome({ platform, env, ...only(path) })).toBe(path);
  });

  it('prefers Chrome to Chromium', () => {
    const exists = only('/usr/bin/chromium', '/opt/google/chrome/google-chrome');
    expect(findChrome({ platform: 'linux', env: {}, ...exists })).toBe('/opt/google/chrome/google-chrome');
  });

  it('says so where there is none', () => {
    expect(findChrome({ platform: 'linux', env: { PATH: '/usr/bin' }, ...only() })).toBeUndefined();
  });
});

describe('describeAdapter', () => {
  it('names the adapter, and says where it is software', () => {
    const adapter = { vendor: 'google', architecture: 'swiftshader', description: '', fallback: true };
    expect(describeAdapter(adapter)).toBe('google swiftshader (software)');
    expect(describeAdapter({ vendor: '', architecture: '', description: '', fallback: false })).toBe(
      'an unnamed adapter',
    );
  });
});

describe('servePage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'exact8-'));
  const page = join(folder, 'page');
  let server: PageServer;

  beforeAll(async () => {
    writeFileSync(join(folder, 'index.html'), '<!doctype html>hello');
    writeFileSync(`${page}.js`, '1');
    writeFileSync(`${folder}.js`, 'outside');
    server = await servePage(folder);
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
    rmSync(`${folder}.js`);
  });

  it('serves a folder with the types that modules need, isolated from other origins', async () => {
    const response = await fetch(`${server.origin}/`);
    expect(await response.text()).toBe('<!doctype html>hello');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect((await fetch(`${server.origin}/page.js`)).headers.get('content-type')).toBe('text/javascript');
  });

  it("serves onnxruntime-web's own files", async () => {
    const response = await fetch(`${server.origin}/ort/ort-wasm-simd-threaded.wasm`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/wasm']);
  });

  it('serves bytes in memory and takes bytes back', async () => {
    const bytes = Uint8Array.of(0, 255, 10, 13);
    const blob = await fetch(server.origin + server.addBlob(bytes));
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes);
    const result = server.expectResult();
    const posted = await fetch(server.origin + result.path, { method: 'POST', body: bytes });
    expect(posted.status).toBe(204);
    expect([...(await result.bytes)]).toEqual([...bytes]);
  });

  it.each([
    '/nothing.js',
    '/../index.js',
    `/../${page.split('/').at(-2)}.js`,
    `/..%2f${page.split('/').at(-2)}.js`,
    '/index',
    '/results/99',
  ])('has nothing at %s', async (path) => {
    expect(await status(server.origin, path)).toBe(404);
  });
});

/** The status of a request whose path is sent as it stands: fetch would resolve dots first. */
function status(origin: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(origin, { path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
}

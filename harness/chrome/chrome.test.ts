import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoBrowserError } from './errors.ts';
import { findChrome, findFirefox, type Surroundings } from './find.ts';
import { describeAdapter } from './launch.ts';
import { servePage, type PageServer } from './server.ts';

describe('findChrome', () => {
  const only = (...paths: string[]): Pick<Surroundings, 'exists' | 'list'> => ({
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

  it.each<[NodeJS.Platform, string, Record<string, string>, string]>([
    ['linux', '/home/me/.cache/ms-playwright', { HOME: '/home/me' }, 'chrome-linux/chrome'],
    ['linux', '/cache/ms-playwright', { HOME: '/home/me', XDG_CACHE_HOME: '/cache' }, 'chrome-linux/chrome'],
    ['linux', '/browsers', { HOME: '/home/me', PLAYWRIGHT_BROWSERS_PATH: '/browsers' }, 'chrome-linux64/chrome'],
    [
      'darwin',
      '/Users/me/Library/Caches/ms-playwright',
      { HOME: '/Users/me' },
      'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
    ],
    ['win32', 'C:\\Local\\ms-playwright', { LOCALAPPDATA: 'C:\\Local' }, 'chrome-win\\chrome.exe'],
  ])('finds the newest that Playwright installed on %s in %s', (platform, folder, env, file) => {
    const slash = platform === 'win32' ? '\\' : '/';
    const [older, newer] = ['chromium-999', 'chromium-1187'].map((name) => [folder, name, file].join(slash));
    const list = (asked: string): string[] =>
      asked === folder ? ['chromium-999', 'chromium-1187', 'ffmpeg-1011', 'chromium_headless_shell-1187'] : [];
    expect(findChrome({ platform, env, list, ...only(older!, newer!) })).toBe(newer);
    expect(findChrome({ platform, env, list, ...only(older!) })).toBe(older);
    // an installed one comes first
    if (platform === 'linux')
      expect(findChrome({ platform, env, list, ...only(newer!, '/usr/bin/chromium') })).toBe('/usr/bin/chromium');
  });

  it.each<[NodeJS.Platform, string, Record<string, string>]>([
    ['linux', '/usr/bin/firefox-esr', {}],
    ['linux', '/somewhere/firefox', { PATH: '/nowhere:/somewhere' }],
    ['darwin', '/Applications/Firefox.app/Contents/MacOS/firefox', {}],
    ['win32', 'C:\\Programs\\Mozilla Firefox\\firefox.exe', { PROGRAMFILES: 'C:\\Programs' }],
  ])('finds a Firefox on %s at %s', (platform, path, env) => {
    expect(findFirefox({ platform, env, ...only(path) })).toBe(path);
    const chosen = { ...env, EXACT8_FIREFOX: '/mine', EXACT8_CHROME: '/nowhere' };
    expect(findFirefox({ platform, env: chosen, ...only(path, '/mine') })).toBe('/mine');
    expect(() => findFirefox({ platform, env: chosen, ...only(path) })).toThrow(/EXACT8_FIREFOX is \/mine/);
  });

  it('says so where there is none', () => {
    expect(findChrome({ platform: 'linux', env: { PATH: '/usr/bin' }, list: () => [], ...only() })).toBeUndefined();
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
  const outside = `${folder}.js`;
  let server: PageServer;

  beforeAll(async () => {
    writeFileSync(join(folder, 'index.html'), '<!doctype html>hello');
    writeFileSync(join(folder, 'page.js'), '1');
    writeFileSync(join(folder, 'secrets.txt'), 'no type that a page has');
    writeFileSync(outside, 'outside');
    symlinkSync(outside, join(folder, 'link.js'));
    server = await servePage(folder, { 'a-package': folder });
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
    rmSync(outside);
  });

  const secret = (): string => new URL(server.url).pathname;

  /** A request as it stands: fetch would resolve dots first, and set Host and Origin itself. */
  function send(
    path: string,
    { method = 'GET', headers = {}, body = '' } = {},
  ): Promise<{ status: number | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      request(server.origin, { path, method, headers }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, text });
      })
        .on('error', reject)
        .end(body);
    });
  }

  it('serves a folder with the types that modules need, isolated from other origins', async () => {
    const response = await fetch(`${server.url}/`);
    expect(await response.text()).toBe('<!doctype html>hello');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect((await fetch(`${server.url}/page.js`)).headers.get('content-type')).toBe('text/javascript');
    expect(await (await fetch(`${server.url}/packages/a-package/page.js`)).text()).toBe('1');
    expect((await fetch(`${server.url}/page.js`, { method: 'HEAD' })).headers.get('content-length')).toBe('1');
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

  it.each(['/nothing.js', '/index', '/results/0', '/blobs/0', '/packages/other/page.js', '/secrets.txt', '/link.js'])(
    'has nothing at %s',
    async (path) => {
      expect((await send(secret() + path)).status).toBe(404);
    },
  );

  it.each([
    ['/../', ''],
    ['/../../', ''],
    ['/..%2f', ''],
    ['/packages/a-package/..%2f', ''],
    ['/%2e%2e/', ''],
    ['/..%5c', ''],
    ['//etc/', 'passwd.js'],
  ])('nothing outside is read by %s', async (way, file) => {
    const { status, text } = await send(secret() + way + (file || outside.split('/').at(-1)!));
    expect([403, 404]).toContain(status);
    expect(text).not.toBe('outside');
  });

  it.each(['/', '/page.js', '/blobs/0', '/%', '//', '/%00'])('without the secret nothing is had: %s', async (path) => {
    expect(await send(path)).toEqual({ status: 403, text: '' });
  });

  it('the secret is another one for each server, and no path follows from another', async () => {
    const other = await servePage(folder);
    try {
      expect(new URL(other.url).pathname).not.toBe(secret());
      expect(secret().length).toBeGreaterThan(32);
      const paths = Array.from({ length: 4 }, () => [server.expectResult().path, server.addBlob(new Uint8Array(1))]);
      for (const path of paths.flat()) expect(path).toMatch(/\/[0-9a-f]{8}-[0-9a-f-]{27}$/);
      expect(new Set(paths.flat()).size).toBe(8);
    } finally {
      await other.close();
    }
  });

  const otherHosts = ['localhost', 'evil.example', '127.0.0.1', '127.0.0.1:1', '[::1]'];
  it.each(otherHosts)('takes no request for %s, under which another page may know it', async (host) => {
    const blob = server.addBlob(Uint8Array.of(1));
    expect(await send(blob, { headers: { host } })).toEqual({ status: 403, text: '' });
  });

  it.each(['http://evil.example', 'null', 'http://localhost'])('takes no request that %s sends', async (origin) => {
    const result = server.expectResult();
    expect((await send(result.path, { method: 'POST', headers: { origin }, body: 'forged' })).status).toBe(403);
    expect((await send(`${secret()}/page.js`, { headers: { origin } })).status).toBe(403);
    expect((await send(result.path, { method: 'POST', headers: { origin: server.origin }, body: 'ours' })).status).toBe(
      204,
    );
    expect(new TextDecoder().decode(await result.bytes)).toBe('ours');
  });

  it('takes each result once, and none that nobody waits for', async () => {
    const { path, bytes } = server.expectResult();
    const forged = { method: 'POST', body: 'forged' };
    expect((await send(`/results/${path.split('/').at(-1)!}`, forged)).status).toBe(403);
    expect((await send(`${secret()}/results/0`, forged)).status).toBe(404);
    expect((await send(path)).status).toBe(404);
    expect((await send(path, { method: 'POST', body: 'first' })).status).toBe(204);
    expect((await send(path, { method: 'POST', body: 'again' })).status).toBe(404);
    expect(new TextDecoder().decode(await bytes)).toBe('first');
  });
});

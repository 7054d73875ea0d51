import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download, type KnownFile } from './download.ts';

const CONTENT = randomBytes(100_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const whole: Answer = (_, response) => response.end(CONTENT);
const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end('no');
const ranges: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return whole(request, response);
  response.writeHead(206, { 'Content-Range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` });
  response.end(CONTENT.subarray(start));
};
const silent: Answer = (_, response) => void response.writeHead(200, { 'Content-Length': 10 }).flushHeaders();

describe('download', () => {
  let [folder, path, url] = ['', '', ''];
  let server: Server;
  let answer: Answer;
  let requests: IncomingMessage[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'exact8-download-'));
    path = join(folder, 'a', 'file.bin');
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  /** Breaks off in the middle, when the beginning was kept: what lies in a socket then is lost. */
  const breaks =
    (after: number): Answer =>
    (_, response) => {
      response.writeHead(200, { 'Content-Length': CONTENT.length });
      response.write(CONTENT.subarray(0, after));
      const kept = (): number => statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0;
      const watch = setInterval(() => {
        if (kept() < after) return;
        clearInterval(watch);
        response.destroy();
      }, 5);
    };
  const file = (change: Partial<KnownFile> = {}): KnownFile => ({
    name: 'file.bin',
    bytes: CONTENT.length,
    sha256: SHA256,
    urls: [url],
    ...change,
  });
  const isThere = (): void => {
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(existsSync(`${path}.part`)).toBe(false);
  };
  const isNotThere = (): void => expect(existsSync(path)).toBe(false);

  it('has the file, in a new folder, and tells how far it is', async () => {
    answer = whole;
    const seen: number[] = [];
    expect(await download(file(), path, { progress: (bytes) => seen.push(bytes) })).toEqual({ url, resumedFrom: 0 });
    isThere();
    expect(seen.at(-1)).toBe(CONTENT.length);
  });

  it('does not ask for what is there; another file in its place is replaced', async () => {
    answer = whole;
    await download(file(), path);
    expect(await download(file(), path)).toEqual({ resumedFrom: 0 });
    expect(requests).toHaveLength(1);
    writeFileSync(path, 'another');
    await download(file(), path);
    isThere();
  });

  it('keeps what came before the connection broke, and goes on from there', async () => {
    answer = breaks(30_000);
    await expect(download(file(), path)).rejects.toThrow(/30000 of 100000 bytes came .* goes on from there/);
    isNotThere();
    answer = ranges;
    expect(await download(file(), path)).toEqual({ url, resumedFrom: 30_000 });
    expect(requests[1]!.headers.range).toBe('bytes=30000-');
    isThere();
  });

  it('takes what is complete, though the connection breaks behind it', async () => {
    answer = (_, response) => {
      // without a length: the end is what is missing
      response.writeHead(200, { 'Transfer-Encoding': 'chunked' });
      response.write(CONTENT, () => setTimeout(() => response.destroy(), 50));
    };
    expect(await download(file(), path)).toEqual({ url, resumedFrom: 0 });
    isThere();
  });

  it('asks no server where all of it came before, and only its name is missing', async () => {
    mkdirSync(join(folder, 'a'));
    writeFileSync(`${path}.part`, CONTENT);
    expect(await download(file(), path)).toMatchObject({ resumedFrom: CONTENT.length });
    expect(requests).toHaveLength(0);
    isThere();
    rmSync(path);
    writeFileSync(`${path}.part`, randomBytes(CONTENT.length));
    answer = whole;
    expect(await download(file(), path)).toMatchObject({ resumedFrom: 0 });
    isThere();
  });

  it('says so where it cannot write', async () => {
    answer = whole;
    mkdirSync(`${path}.part`, { recursive: true });
    await expect(download(file(), path)).rejects.toThrow(/cannot write .*EISDIR/);
    isNotThere();
  });

  it('starts again where the server knows no ranges, or the beginning was of another file', async () => {
    answer = breaks(30_000);
    await expect(download(file(), path)).rejects.toThrow('30000');
    answer = whole;
    expect(await download(file(), path)).toEqual({ url, resumedFrom: 0 });
    isThere();
    rmSync(path);
    writeFileSync(`${path}.part`, 'another beginning');
    answer = ranges;
    await download(file(), path);
    isThere();
  });

  it('takes no other file: another content, one that is too short, one that is too long', async () => {
    answer = (_, response) => response.end(randomBytes(CONTENT.length));
    await expect(download(file(), path)).rejects.toThrow(/SHA-256 [0-9a-f]{64}, not/);
    isNotThere();
    expect(existsSync(`${path}.part`)).toBe(false);
    answer = (_, response) => response.end('version 1 of a pointer to a large file');
    await expect(download(file(), path)).rejects.toThrow(/38 of 100000 bytes came/);
    isNotThere();
    rmSync(`${path}.part`);
    answer = (_, response) => response.end(randomBytes(CONTENT.length + 1));
    await expect(download(file(), path)).rejects.toThrow('more than 100000 bytes');
    isNotThere();
  });

  it('says what is wrong with the server', async () => {
    for (const code of [404, 500]) {
      answer = status(code);
      await expect(download(file(), path)).rejects.toThrow(`answers ${code}`);
    }
    answer = silent;
    await expect(download(file(), path, { idleMilliseconds: 100 })).rejects.toThrow('nothing came for 0.1 s');
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    await expect(download(file(), path)).rejects.toThrow('no answer: ECONNREFUSED');
    isNotThere();
  });

  it('takes the next server where the first does not have it', async () => {
    answer = (request, response) => (request.url === '/file.bin' ? whole : status(404))(request, response);
    const urls = [url.replace('file.bin', 'other.bin'), url];
    expect(await download(file({ urls }), path)).toMatchObject({ url });
    isThere();
  });
});

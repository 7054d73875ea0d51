import { existsSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { exact8, type Result } from './command.ts';

/** Runs `exact8 fetch imagenet` with a server of this machine in the place of the model zoo's. */
async function fetchFrom(answer: RequestListener, out: string): Promise<Result> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await exact8(['fetch', 'imagenet', '--out', out, '--json'], { EXACT8_FETCH_BASE: base });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const failures: [name: string, answer: RequestListener, cause: RegExp][] = [
  [
    'a file that the server does not have',
    (_, response) => response.writeHead(404).end(),
    /onnx: the server answers 404/,
  ],
  ['another file', (_, response) => response.end(Buffer.alloc(3_593_903)), /has the SHA-256 .* not 41a36090/],
  ['a file that ends too early', (_, response) => response.end('pointer'), /7 of 3593903 bytes came/],
];
for (const [name, answer, cause] of failures)
  test(`exact8 fetch imagenet, ${name}: exit 2`, async () => {
    const out = test.info().outputPath('out');
    const result = await fetchFrom(answer, out);
    expect(result.code).toBe(2);
    expect(JSON.parse(result.stdout).error.message).toMatch(cause);
    expect(result.stderr).toMatch(cause);
    expect(existsSync(join(out, 'mobilenetv2-12-qdq.onnx'))).toBe(false);
  });

test('exact8 fetch imagenet, no server: exit 2', async () => {
  const args = ['fetch', 'imagenet', '--out', test.info().outputPath('out')];
  const result = await exact8(args, { EXACT8_FETCH_BASE: 'http://127.0.0.1:1' });
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(/no answer/);
});

test('exact8 fetch nonsense: exit 2', async () => {
  const result = await exact8(['fetch', 'nonsense']);
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toContain('imagenet');
});

test.describe('needs ../shared: the real files', () => {
  test.skip(!existsSync('../shared/models'), 'needs ../shared');
  const FILES: Readonly<Record<string, string>> = {
    '/mobilenetv2-12-qdq.onnx': '../shared/models/imagenet_mobilenetv2_qdq.onnx',
    '/synset.txt': '../shared/models/imagenet_synset_1000.txt',
  };

  test('exact8 fetch imagenet: interrupted, taken up again, and there afterwards', async () => {
    const out = test.info().outputPath('out');
    const interrupted = await fetchFrom((request, response) => {
      const content = readFileSync(FILES[request.url!]!);
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, 1_000_000), () => setTimeout(() => response.destroy(), 100));
    }, out);
    expect(interrupted.code).toBe(2);
    // how much of it depends on when the connection breaks
    const [, came] = /: (\d+) of 3593903 bytes came/.exec(interrupted.stderr) ?? [];
    expect(Number(came), interrupted.stderr).toBeGreaterThan(0);

    const ranges: (string | undefined)[] = [];
    const serve: RequestListener = (request, response) => {
      ranges.push(request.headers.range);
      const content = readFileSync(FILES[request.url!]!);
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const headers = { 'Content-Range': `bytes ${start}-${content.length - 1}/${content.length}` };
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? headers : {}).end(content.subarray(start));
    };
    const result = await fetchFrom(serve, out);
    expect(result.code, result.stderr).toBe(0);
    expect(ranges).toEqual([`bytes=${came}-`, undefined]);
    const { schemaVersion, files } = JSON.parse(result.stdout);
    expect(schemaVersion).toBe(1);
    expect(files).toMatchObject([{ resumedFrom: Number(came) }, { resumedFrom: 0 }]);
    for (const { path } of files)
      expect(readFileSync(path).equals(readFileSync(FILES[path.slice(out.length)]!))).toBe(true);

    expect((await fetchFrom(serve, out)).code).toBe(0);
    expect(ranges).toHaveLength(2);
  });
});

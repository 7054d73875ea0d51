import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { expect, test } from './gpu.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

test('the built lab compares with onnxruntime-web on a server that only has files, below a path', async ({ gpu }) => {
  const missing: string[] = [];
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://here');
    const below = pathname.replace(/^\/some\/lab\//, '').replace(/^$/, 'index.html');
    const file = join('dist/lab', below);
    if (!pathname.startsWith('/some/lab/') || !existsSync(file)) {
      missing.push(pathname);
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await gpu.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/some/lab/`);
    await gpu.getByRole('button', { name: 'Use the example picture' }).click();
    const verdict = gpu.locator('#verdict .verdict');
    await expect(verdict).toContainText('equal, bit for bit, to onnxruntime-web', { timeout: 120_000 });
    await expect(verdict).toHaveAttribute('data-equal', 'yes');
    expect(missing.filter((path) => path !== '/favicon.ico')).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

import { randomBytes, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface PageServer {
  /** http://127.0.0.1:port, without a slash at the end. */
  readonly origin: string;
  /** Where the served folder is: the origin and a secret, without a slash at the end. */
  readonly url: string;
  /** Makes bytes available to the page; returns the path to fetch them from. */
  addBlob(bytes: Uint8Array): string;
  /** Waits for what the page posts to a path of its own; returns that path and the bytes to come. */
  expectResult(): { readonly path: string; readonly bytes: Promise<Uint8Array> };
  close(): Promise<void>;
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cache-Control': 'no-store',
};

/**
 * Serves a built page on 127.0.0.1, bytes in memory under blobs/, and takes bytes back under results/, so that large
 * arrays pass as they are.
 *
 * Everybody on the machine can connect, and pages of other origins can make a browser do so. So every path begins with
 * a secret, which is told in no place that others can read, the Host has to be this server's own (no other name that
 * leads here), and so has the Origin, where a browser sends one. A result is taken once.
 *
 * @param packages folders of npm packages by name, whose files are served under packages/NAME/
 */
export async function servePage(folder: string, packages: Readonly<Record<string, string>> = {}): Promise<PageServer> {
  const blobs = new Map<string, Uint8Array>();
  const results = new Map<string, (bytes: Uint8Array) => void>();
  const secret = `/${randomBytes(32).toString('base64url')}`;

  const server = createServer((request, response) => {
    const { host, origin: sender } = request.headers;
    const path = pathOf(request.url!);
    const ours = `http://${host}` === origin && (sender ?? origin) === origin && path?.startsWith(`${secret}/`);
    if (!ours) return void response.writeHead(403, HEADERS).end();
    answer(request, path!, response).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, HEADERS);
      response.end(error.message);
    });
  });

  async function answer(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    const deliver = results.get(path);
    if (request.method === 'POST' && deliver) {
      results.delete(path);
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      deliver(Buffer.concat(chunks));
      response.writeHead(204, HEADERS).end();
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(404, HEADERS).end();
    } else if (blobs.has(path)) {
      response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/octet-stream' }).end(blobs.get(path));
    } else {
      const inside = path.slice(secret.length);
      const name = Object.keys(packages).find((name) => inside.startsWith(`/packages/${name}/`));
      if (name === undefined) await sendFile(folder, inside, response);
      else await sendFile(packages[name]!, inside.slice(`/packages/${name}`.length), response);
    }
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: origin + secret,
    addBlob(bytes) {
      const path = `${secret}/blobs/${randomUUID()}`;
      blobs.set(path, bytes);
      return path;
    },
    expectResult() {
      const path = `${secret}/results/${randomUUID()}`;
      return { path, bytes: new Promise((resolve) => results.set(path, resolve)) };
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The path of a request, decoded; undefined for what is none. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
}

async function sendFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  // as links lead, so that none leads out
  const root = (await realpath(folder)) + sep;
  const wanted = await realpath(normalize(join(root, path.endsWith('/') ? `${path}index.html` : path))).catch(() => '');
  const type = MIME_TYPES[extname(wanted)];
  const file = wanted.startsWith(root) && type ? await stat(wanted) : undefined;
  if (!file?.isFile()) {
    response.writeHead(404, HEADERS).end(`no ${path}`);
    return;
  }
  response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': file.size });
  if (response.req.method === 'HEAD') response.end();
  else await pipeline(createReadStream(wanted), response);
}

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ortFolder } from './ort_folder.ts';

export interface PageServer {
  /** http://127.0.0.1:port, without a slash at the end. */
  readonly origin: string;
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
 * Serves a built page on 127.0.0.1, with onnxruntime-web's files under /ort/, bytes in memory under /blobs/, and
 * takes bytes back under /results/, so that large arrays pass as they are.
 *
 * @param packages folders of npm packages by name, whose files are served under /packages/NAME/
 */
export async function servePage(folder: string, packages: Readonly<Record<string, string>> = {}): Promise<PageServer> {
  const blobs = new Map<string, Uint8Array>();
  const results = new Map<string, (bytes: Uint8Array) => void>();
  let counter = 0;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, HEADERS);
      response.end(error.message);
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
    const deliver = results.get(path);
    if (request.method === 'POST' && deliver) {
      results.delete(path);
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      deliver(Buffer.concat(chunks));
      response.writeHead(204, HEADERS).end();
    } else if (blobs.has(path)) {
      response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/octet-stream' }).end(blobs.get(path));
    } else if (path.startsWith('/ort/')) await sendFile(ortFolder(), path.slice('/ort'.length), response);
    else {
      const name = Object.keys(packages).find((name) => path.startsWith(`/packages/${name}/`));
      if (name === undefined) await sendFile(folder, path, response);
      else await sendFile(packages[name]!, path.slice(`/packages/${name}`.length), response);
    }
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    addBlob(bytes) {
      const path = `/blobs/${counter++}`;
      blobs.set(path, bytes);
      return path;
    },
    expectResult() {
      const path = `/results/${counter++}`;
      return { path, bytes: new Promise((resolve) => results.set(path, resolve)) };
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function sendFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  const root = normalize(folder + sep);
  const wanted = normalize(join(root, path.endsWith('/') ? `${path}index.html` : path));
  const type = MIME_TYPES[extname(wanted)];
  const file = wanted.startsWith(root) && type ? await stat(wanted).catch(() => undefined) : undefined;
  if (!file?.isFile()) {
    response.writeHead(404, HEADERS).end(`no ${path}`);
    return;
  }
  response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': file.size });
  await pipeline(createReadStream(wanted), response);
}

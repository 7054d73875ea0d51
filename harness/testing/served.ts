import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Opens a page: of the URL, or else an empty one that is served until it is closed. WebGPU is for pages of secure origins,
 * and 127.0.0.1 is one.
 */
export async function onPage<T extends { close(): Promise<void> }>(
  url: string | undefined,
  open: (url: string) => Promise<T>,
): Promise<T> {
  if (url !== undefined) return open(url);
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const opened = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`).catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    ...opened,
    close: async () => {
      await opened.close();
      stop();
    },
  };
}

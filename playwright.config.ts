import { defineConfig } from 'playwright/test';

/** Any free one; EXACT8_TEST_PORT names another where two checkouts are tested at once. */
const PORT = Number(process.env['EXACT8_TEST_PORT'] ?? 4184);

/** Tests in a real browser: pages from Vite's development server, the command from dist/. */
export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/build.ts',
  fullyParallel: true,
  // more than cores: a test waits for its browser half of the time
  workers: 3,
  forbidOnly: true,
  timeout: 300_000,
  reporter: 'list',
  use: { baseURL: `http://127.0.0.1:${PORT}` },
  webServer: {
    command: `npx vite --host 127.0.0.1 --port ${PORT} --strictPort --logLevel error`,
    url: `http://127.0.0.1:${PORT}/harness/worker/index.html`,
  },
});

import { defineConfig } from 'playwright/test';

/** A user's own: no baseURL, no server. */
export default defineConfig({
  testDir: '.',
  testMatch: ['user.ts', 'firefox_user.ts'],
  reporter: 'line',
  outputDir: '../../test-results/user',
});

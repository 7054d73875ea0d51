import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** The pages: the lab, and the one that the exact8 command opens in headless Chrome. */
export default defineConfig({
  base: './',
  // onnxruntime-web loads its wasm from where the oracle says, so one copy of it is put into the pages.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  build: {
    outDir: 'dist/lab',
    target: 'es2023',
    chunkSizeWarningLimit: 5000,
    rolldownOptions: { input: ['index.html', 'harness/worker/index.html'] },
  },
  test: {
    include: ['{src,harness,models,tests}/**/*.test.ts'],
    // Vitest would leave a core idle
    maxWorkers: '100%',
    // a plan of a whole network takes seconds where the machine is busy
    testTimeout: 60_000,
    // its entry for Node is CommonJS under a package.json that says module
    alias: { wgsl_reflect: 'wgsl_reflect/wgsl_reflect.module.js' },
  },
});

import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { defaultClientConditions, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { ortFolder } from './harness/chrome/ort_folder.ts';

/** The development server has onnxruntime-web's files under /ort/, as the server of the exact8 command has. */
function serveOnnxruntimeWeb(): Plugin {
  return {
    name: 'serve-onnxruntime-web',
    configureServer(server) {
      server.middlewares.use('/ort', (request, response, next) => {
        const file = /^\/([\w.-]+\.(mjs|wasm))/.exec(request.url ?? '');
        if (!file) return next();
        response.setHeader('Content-Type', file[2] === 'wasm' ? 'application/wasm' : 'text/javascript');
        createReadStream(join(ortFolder(), file[1]!)).on('error', next).pipe(response);
      });
    },
  };
}

/** The pages: the lab, and the one that the exact8 command opens in headless Chrome. */
export default defineConfig({
  base: './',
  // onnxruntime-web loads its wasm from /ort/, so no copy of it is put into the pages.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  plugins: [serveOnnxruntimeWeb()],
  build: {
    outDir: 'dist/lab',
    target: 'es2023',
    chunkSizeWarningLimit: 5000,
    rolldownOptions: { input: ['index.html', 'harness/worker/index.html'] },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    // a plan of a whole network takes seconds where the machine is busy
    testTimeout: 60_000,
    // its entry for Node is CommonJS under a package.json that says module
    alias: { wgsl_reflect: 'wgsl_reflect/wgsl_reflect.module.js' },
  },
});

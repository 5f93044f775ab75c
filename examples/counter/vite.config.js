import { env } from 'node:process';
import { fileURLToPath, URL } from 'node:url';

import { defineConfig } from 'vite';

// The app speaks to /graphql on its own address, as it would behind one proxy: no CORS, and no gateway address in the bundle.
const toGateway = {
  '/graphql': { target: env['GATEWAY_URL'] ?? 'http://127.0.0.1:4000', ws: true },
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  server: { host: '127.0.0.1', port: 5173, proxy: toGateway },
  preview: { host: '127.0.0.1', proxy: toGateway },
});

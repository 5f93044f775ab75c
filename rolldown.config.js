import { defineConfig } from 'rolldown';

/** Native, with workers of their own, or megabytes that are seldom asked for. */
const leftOutside = ['libsql', 'libsql/promise', 'pino', '@graphql-yoga/render-graphiql'];
/** Which packages try to load, and do without. */
const optional = ['pg-native', 'bufferutil', 'utf-8-validate'];

// A few files instead of a thousand modules: they are loaded in a third of the time. `graphql` is among them once: an
// `instanceof` between two copies would lie.
export default defineConfig({
  input: { cli: 'cli/main.ts', index: 'src/index.ts' },
  platform: 'node',
  external: [...leftOutside, ...optional],
  // As packages want it in production: `graphql` looks twice at every type otherwise.
  transform: { define: { 'process.env.NODE_ENV': JSON.stringify('production') } },
  output: { dir: 'dist', cleanDir: true, chunkFileNames: 'chunks/[name]-[hash].js' },
});

import { defineConfig } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

// The types of what is exported, in one file.
export default defineConfig({
  input: { index: 'src/index.ts' },
  platform: 'node',
  external: [/^[^./]/],
  plugins: [dts({ emitDtsOnly: true, tsconfig: 'tsconfig.json' })],
  // Reading the types takes its time.
  checks: { bundlerTimings: false },
  output: { dir: 'dist' },
});

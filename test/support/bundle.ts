import { bundleGateway } from './process.ts';

/** Before all tests: what they start as a process is bundled once, for it starts in a third of the time so. */
export async function setup(): Promise<() => Promise<void>> {
  const bundle = await bundleGateway();
  process.env['GATEWAY_CLI'] = bundle.cli;
  return async () => {
    await bundle[Symbol.asyncDispose]();
  };
}

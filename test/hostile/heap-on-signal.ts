/** Preloaded into the gateway's process by the hostile tests: on SIGUSR2 it collects all garbage and tells what is left. */
process.on('SIGUSR2', () => {
  void (async () => {
    // Finalizers of one collection free what the next one collects.
    for (let n = 0; n < 3; n += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`HEAP ${heapUsed + external}\n`);
  })();
});

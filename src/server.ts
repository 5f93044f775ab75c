import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';

import { ConfigError, loadConfig } from './config.ts';
import { startGateway, type Gateway } from './gateway.ts';
import { createLog } from './telemetry/log.ts';

/** Runs the gateway until SIGINT or SIGTERM; the exit code is 1 when it cannot start or stop. */
export async function main(env: Readonly<Record<string, string | undefined>>): Promise<Gateway | undefined> {
  collectYoung();
  try {
    const config = loadConfig(env);
    const log = await createLog(config.logLevel, config.logFormat);
    const gateway = await startGateway(config, { log });
    const stop = (signal: NodeJS.Signals) => {
      log.info({ signal }, 'stopping');
      // Nothing in the closing may hold the process for ever.
      setTimeout(() => process.exit(1), config.shutdownTimeoutMs + HARD_STOP_GRACE_MS).unref();
      gateway.close().then(
        () => log.info('stopped'),
        (error: unknown) => {
          log.error({ err: error }, 'did not stop cleanly');
          process.exitCode = 1;
        },
      );
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    // Last: whoever waits for this line may send a signal at once.
    const { metricsUrl: metrics } = gateway;
    log.info({ url: `${gateway.url}/graphql`, ...(metrics !== undefined && { metrics }) }, 'listening');
    return gateway;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof ConfigError)) process.stderr.write('The gateway did not start.\n');
    process.exitCode = 1;
    return undefined;
  }
}

/**
 * No object is made among the old ones from the beginning, as V8 does once those of the same place in the code have survived
 * for a while. Here that befalls what each request makes, after slow ones such as confirms; and then whatever such an
 * object points to, its whole request, is kept and copied until all of the memory is looked through. It doubled the
 * processor time of quick queries (docs/performance.md).
 */
function collectYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

const HARD_STOP_GRACE_MS = 5_000;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.env);
}

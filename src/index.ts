/**
 * The gateway within another program. What is exported here, and the environment that `loadConfig` reads, keeps to
 * semantic versions; nothing else of this package does.
 *
 * @packageDocumentation
 */
import type { Logger } from 'pino';

import type { Config } from './config.ts';
import { startGateway, type Gateway } from './gateway.ts';

export { ConfigError, loadConfig, type Config } from './config.ts';
export type { Gateway } from './gateway.ts';

export interface GatewayOptions {
  /** Told what is to be told; by default JSON lines on standard output, of LOG_LEVEL and above. */
  readonly log?: Logger;
}

/**
 * Starts a gateway in this process: opens its record, and listens where the configuration says. Throws an `Error` that
 * says what is wrong and what to do. It listens to no signal: whoever starts it closes it.
 */
export function createGateway(config: Config, { log }: GatewayOptions = {}): Promise<Gateway> {
  return startGateway(config, log === undefined ? {} : { log });
}

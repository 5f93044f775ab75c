import { setTimeout as sleep } from 'node:timers/promises';

import { Pool } from 'undici';

import { JSON_BOTH_WAYS } from './ask.ts';
import { cpuOf } from './cpu.ts';
import { quantile } from './figures.ts';
import type { Load } from './load.ts';

export interface BuyersOptions {
  readonly origin: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connections, each with one buyer who buys again when the answer is there. */
  readonly connections: number;
  readonly seconds: number;
  /** A buyer thinks at most so long before each request, now longer, now shorter. Default: not at all. */
  readonly pauseMs?: number;
  /** The body of the next request. */
  readonly body: () => string;
  /** Whether an answer is the right one: one that is not ends the benchmark. */
  readonly isRight: (body: string) => boolean;
  /** Whose processor time is counted. */
  readonly pid: number;
}

/** The same buyers by the same client, whoever answers them: undici, as the gateway itself sends. */
export async function buyers(options: BuyersOptions): Promise<Load> {
  const { origin, path, connections, seconds, pauseMs = 0, body, isRight, pid } = options;
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const headers = { ...JSON_BOTH_WAYS, ...options.headers };
  const latencies: number[] = [];
  const cpuBefore = cpuOf([pid]);
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  const buy = async () => {
    while (performance.now() < until) {
      if (pauseMs > 0) await sleep(Math.random() * pauseMs);
      const askedAt = performance.now();
      const answer = await pool.request({ path, method: 'POST', headers, body: body() });
      const text = await answer.body.text();
      latencies.push(performance.now() - askedAt);
      if (!isRight(text)) throw new Error(`a wrong answer: ${text.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, buy)).finally(() => pool.destroy());
  const took = (performance.now() - startedAt) / 1_000;
  return {
    requests: latencies.length,
    perSecond: latencies.length / took,
    p50: quantile(latencies, 0.5),
    p90: quantile(latencies, 0.9),
    p99: quantile(latencies, 0.99),
    cpu: (cpuOf([pid]) - cpuBefore) / latencies.length,
  };
}

import autocannon from 'autocannon';

import { JSON_BOTH_WAYS } from './ask.ts';
import { cpuOf } from './cpu.ts';
import { quantile } from './figures.ts';

export interface LoadOptions {
  /** Connections and requests are spread evenly, as a load balancer does. */
  readonly servers: readonly { readonly url: string; readonly pid: number }[];
  readonly connections: number;
  readonly seconds: number;
  /** The body of each request, or what makes that of the next one. */
  readonly body: string | (() => string);
  /** What else is sent with the next request. Default: nothing. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Whether an answer is the right one: one that is not ends the benchmark. */
  readonly isRight: (body: string) => boolean;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Latencies in ms. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Processor time of the servers for each request, in ms. */
  readonly cpu: number;
}

/** Keeps so many connections busy, each asking again when it is answered. */
export async function load(options: LoadOptions): Promise<Load> {
  const { servers, connections, seconds, isRight } = options;
  const latencies: number[] = [];
  let wrong: string | undefined;
  const pids = servers.map(({ pid }) => pid);
  const cpuBefore = cpuOf(pids);
  const startedAt = performance.now();
  const one = ({ url }: { readonly url: string }) =>
    new Promise<void>((resolve, reject) => {
      const cannon = autocannon(
        {
          url: `${url}/graphql`,
          connections: connections / servers.length,
          duration: seconds,
          verifyBody: (answer) => {
            const text = String(answer);
            if (!isRight(text)) wrong ??= text;
            return true;
          },
          requests: [requestOf(options)],
        },
        (error: unknown) => {
          if (error instanceof Error) reject(error);
          else resolve();
        },
      );
      cannon.on('response', (_client, _status, _bytes, ms) => void latencies.push(ms));
    });
  await Promise.all(servers.map(one));
  const took = (performance.now() - startedAt) / 1_000;
  if (wrong !== undefined) throw new Error(`a wrong answer: ${wrong.slice(0, 500)}`);
  return {
    requests: latencies.length,
    perSecond: latencies.length / took,
    p50: quantile(latencies, 0.5),
    p90: quantile(latencies, 0.9),
    p99: quantile(latencies, 0.99),
    cpu: (cpuOf(pids) - cpuBefore) / latencies.length,
  };
}

/** Written once where all are the same: to write each anew takes the load as long as all else that it does. */
function requestOf({ body, headers }: LoadOptions): autocannon.Request {
  if (typeof body === 'string' && headers === undefined)
    return { method: 'POST', body, headers: JSON_BOTH_WAYS };
  return {
    method: 'POST',
    setupRequest: (request) => ({
      ...request,
      body: typeof body === 'string' ? body : body(),
      headers: { ...JSON_BOTH_WAYS, ...headers?.() },
    }),
  };
}

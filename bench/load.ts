import autocannon from 'autocannon';

import { quantile } from './figures.ts';

export interface LoadOptions {
  /** Where the gateways listen; connections and requests are spread evenly, as a load balancer does. */
  readonly urls: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** The body of the next request. */
  readonly body: () => string;
  /** Sent with each. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether an answer is the right one: one that is not ends the benchmark. */
  readonly isRight: (body: string) => boolean;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Latencies in ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Keeps so many connections busy, each asking again when it is answered. */
export async function load(options: LoadOptions): Promise<Load> {
  const { urls, connections, seconds, body, isRight, headers = {} } = options;
  const latencies: number[] = [];
  let wrong: string | undefined;
  const startedAt = performance.now();
  const one = (url: string) =>
    new Promise<void>((resolve, reject) => {
      const cannon = autocannon(
        {
          url: `${url}/graphql`,
          connections: connections / urls.length,
          duration: seconds,
          verifyBody: (answer) => {
            const text = String(answer);
            if (!isRight(text)) wrong ??= text;
            return true;
          },
          requests: [
            {
              method: 'POST',
              headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
              setupRequest: (request) => ({ ...request, body: body() }),
            },
          ],
        },
        (error: unknown) => {
          if (error instanceof Error) reject(error);
          else resolve();
        },
      );
      cannon.on('response', (_client, _status, _bytes, ms) => void latencies.push(ms));
    });
  await Promise.all(urls.map(one));
  const took = (performance.now() - startedAt) / 1_000;
  if (wrong !== undefined) throw new Error(`a wrong answer: ${wrong.slice(0, 500)}`);
  return {
    requests: latencies.length,
    perSecond: latencies.length / took,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

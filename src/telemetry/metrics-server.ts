import { once } from 'node:events';
import { createServer } from 'node:http';

import type { Logger } from 'pino';

export interface MetricsServer {
  /** http://host:port/metrics */
  readonly url: string;
  close(): Promise<void>;
}

export const METRICS_PATH = '/metrics';

/** A listener for Prometheus and nobody else, which has no credentials: whoever reaches it may read. */
export async function serveMetrics(
  { host, port, log }: { host: string; port: number; log: Pick<Logger, 'error'> },
  contentType: string,
  scrape: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== METRICS_PATH || request.method !== 'GET') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`Metrics are at ${METRICS_PATH}.\n`);
      return;
    }
    scrape().then(
      (text) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => response.writeHead(500, { 'content-type': 'text/plain' }).end('They cannot be told now.\n'),
    );
  });
  server.listen(port, host);
  await once(server, 'listening').catch((error: unknown) => {
    const { message } = error as Error;
    const remedy = 'set METRICS_HOST and METRICS_PORT to free ones';
    throw new Error(`cannot listen for metrics: ${message}; ${remedy}`, { cause: error });
  });
  // Such as EMFILE: it goes on with the connections that it has.
  server.on('error', (error) => log.error({ err: error }, 'the server of the metrics had an error'));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the metrics have no port');
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}${METRICS_PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

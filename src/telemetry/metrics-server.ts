import { createServer } from 'node:http';

export interface MetricsServer {
  /** http://host:port/metrics */
  readonly url: string;
  close(): Promise<void>;
}

export const METRICS_PATH = '/metrics';

/** A listener for Prometheus and nobody else, which has no credentials: whoever reaches it may read. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(
        new Error(`cannot listen for metrics: ${message}; set METRICS_HOST and METRICS_PORT to free ones`),
      ),
    );
    server.listen(port, host, resolve);
  });
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

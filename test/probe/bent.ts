import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json as readJson } from 'node:stream/consumers';

import { onTestFinished } from 'vitest';
import { z } from 'zod';

import type { Endpoint } from '../../sandbox/faults.ts';
import { route } from '../../sandbox/routes.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

const fields = z.record(z.string(), z.any());

/** One call on its way back from the sandbox: `status`, `headers` and `json` may be bent. */
export interface Exchange {
  readonly surface: 'v1' | 'current';
  readonly endpoint: Endpoint;
  /** What was asked; empty where there was no body. */
  readonly body: Record<string, any>;
  readonly sent: IncomingMessage['headers'];
  status: number;
  headers: Record<string, string>;
  json: any;
  /** Sends the sandbox another call of the same session. */
  readonly forward: (path: string, body: object) => Promise<void>;
  readonly path: string;
}
export type Bend = (exchange: Exchange) => unknown;

/** The sandbox behind a proxy that changes what it answers. */
export async function bent(sandbox: Sandbox, bend: Bend): Promise<string> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/';
    const method = request.method ?? 'GET';
    const asked: unknown = method === 'POST' ? await readJson(request) : undefined;
    const headers = Object.fromEntries(
      ['authorization', 'x-request-id', 'content-type'].flatMap((name) =>
        typeof request.headers[name] === 'string' ? [[name, request.headers[name]]] : [],
      ),
    );
    const send = (to: string, body?: unknown, verb = 'POST') =>
      fetch(sandbox.url + to, {
        method: verb,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const came = await send(path, asked, method);
    const { surface, endpoint } = route(method, path);
    const requestId = came.headers.get('x-request-id');
    const exchange: Exchange = {
      ...{ surface, endpoint, path, sent: request.headers, status: came.status },
      body: asked === undefined ? {} : fields.parse(asked),
      headers: requestId === null ? {} : { 'x-request-id': requestId },
      json: await came.json(),
      forward: async (to, body) => {
        await (await send(to, body)).text();
      },
    };
    await bend(exchange);
    response
      .writeHead(exchange.status, { 'content-type': 'application/json', ...exchange.headers })
      .end(typeof exchange.json === 'string' ? exchange.json : JSON.stringify(exchange.json));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

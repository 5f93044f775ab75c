import { request } from 'node:http';

import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startIssuer } from '../support/issuer.ts';
import { startStack } from '../support/stack.ts';

function post(url: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/json' };
    const sent = request(`${url}/graphql`, { method: 'POST', headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end('{"query":"{ __typename }"}');
  });
}

function handshake(url: string, host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { host },
    });
    socket.once('error', () => resolve('refused'));
    socket.once('open', () => {
      socket.close();
      resolve('open');
    });
  });
}

const foreign = [
  'evil.example',
  'evil.example:4000',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '0.0.0.0',
  '[::]',
  '192.168.1.5',
  'user@evil.example',
  ':',
  '127.0.0.1@evil.example',
];

describe('without authentication', () => {
  it.each(foreign)(
    'a request for %s is no request for us, over HTTP and over WebSocket (DNS rebinding)',
    async (host) => {
      await using stack = await startStack();
      const { status, body } = await post(stack.gateway.url, host);
      expect([400, 421]).toContain(status);
      expect(body).not.toContain('__typename');
      expect(await handshake(stack.gateway.url, host)).toBe('refused');
    },
  );

  it.each(['localhost', 'localhost:4000', '127.0.0.1:1', '127.8.9.1', '[::1]:4000', 'LOCALHOST'])(
    '%s is us',
    async (host) => {
      await using stack = await startStack();
      expect((await post(stack.gateway.url, host)).status).toBe(200);
      expect(await handshake(stack.gateway.url, host)).toBe('open');
    },
  );

  it('a proxy’s name is ours once it is named, and a refusal says how', async () => {
    await using stack = await startStack({ env: { ALLOWED_ORIGINS: 'https://pay.example' } });
    expect((await post(stack.gateway.url, 'pay.example')).status).toBe(200);
    const { status, body } = await post(stack.gateway.url, 'other.example');
    expect([status, body]).toEqual([421, expect.stringContaining('ALLOWED_ORIGINS')]);
  });
});

describe('with authentication', () => {
  it('any name will do: a token is what lets in', async () => {
    await using issuer = await startIssuer();
    await using stack = await startStack({ env: issuer.env });
    expect((await post(stack.gateway.url, 'pay.example')).status).toBe(401);
    expect(await handshake(stack.gateway.url, 'pay.example')).toBe('open');
  });
});

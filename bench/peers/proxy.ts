// The limit: node:http and undici, no GraphQL at all. Answers what the upstream answers.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { listening, pooled } from './upstream.ts';

const upstream = await pooled();
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const paths = body.includes('viewer') ? ['/auth/me', '/accounts', '/vas-products'] : ['/accounts'];
    void Promise.all(paths.map((path) => upstream.raw(path))).then((answers) => {
      const text = answers.length === 1 ? (answers[0] ?? '') : `[${answers.join(',')}]`;
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  listening(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

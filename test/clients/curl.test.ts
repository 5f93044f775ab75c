import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { test } from 'vitest';

import { buy, documents, startShop } from './story.ts';

const run = promisify(execFile);

test('curl buys over HTTP and follows an event stream', async () => {
  await using shop = await startShop();
  const curl = async (accept: string, body: object) => {
    const headers = ['-H', 'content-type: application/json', '-H', `accept: ${accept}`];
    const data = ['-d', JSON.stringify(body)];
    const { stdout } = await run('curl', ['-sSN', `${shop.gateway.url}/graphql`, ...headers, ...data]);
    return stdout;
  };
  await buy({
    mutate: async (step, variables) =>
      JSON.parse(await curl('application/json', { query: documents[step], variables })).data,
    follow: async (variables) => {
      const stream = await curl('text/event-stream', { query: documents.follow, variables });
      return [...stream.matchAll(/^event: next\ndata: (.*)$/gm)].map(
        ([, data = '']) => JSON.parse(data).data,
      );
    },
  });
});

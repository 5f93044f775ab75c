import { expect, it } from 'vitest';

import { EventFeed } from '../../src/purchases/feed.ts';
import { electricity, startStack, VALIDATE } from '../support/stack.ts';

it('a subscription that is answered in no way that its client takes (406) is not left open', async () => {
  const follow = Reflect.get(EventFeed.prototype, 'follow');
  const open = new Set<unknown>();
  let opened = 0;
  Object.defineProperty(EventFeed.prototype, 'follow', {
    configurable: true,
    value(this: EventFeed, options: Parameters<EventFeed['follow']>[0]) {
      const events = Reflect.apply(follow, this, [options]);
      const end = events.return?.bind(events);
      open.add(events);
      opened += 1;
      events.return = () => {
        open.delete(events);
        return end?.() ?? Promise.resolve({ done: true, value: undefined });
      };
      return events;
    },
  });
  try {
    await using stack = await startStack();
    const response = await fetch(`${stack.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'multipart/mixed' },
      body: JSON.stringify({ query: 'subscription { purchaseEvents { cursor } }' }),
    });
    expect(response.status).toBe(406);
    await expect.poll(() => open.size).toBe(0);
    expect(opened).toBe(1);
  } finally {
    Object.defineProperty(EventFeed.prototype, 'follow', {
      configurable: true,
      writable: true,
      value: follow,
    });
  }
});

it.each([
  [
    'a subscription',
    'application/json',
    'subscription { purchaseEvents { cursor } }',
    /text\/event-stream.*WebSocket/,
  ],
  ['a query', 'text/xml', '{ __typename }', /accept: application\/json/],
  ['a document that is wrong', 'text/xml', '{ nothing }', /accept: application\/json/],
])('%s that is asked for as %s is refused with what to ask for', async (_what, accept, query, remedy) => {
  await using stack = await startStack();
  const response = await fetch(`${stack.gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  });
  expect(response.status).toBe(406);
  expect(response.headers.get('content-type')).toContain('application/json');
  expect(await response.json()).toEqual({
    errors: [{ message: expect.stringMatching(remedy) as string, extensions: { code: 'BAD_REQUEST' } }],
  });
});

it('a mutation is not done when its answer would be taken in no way', async () => {
  await using stack = await startStack();
  const body = JSON.stringify({ query: VALIDATE, variables: { input: await electricity(stack.graphql) } });
  const sent = async (accept: string) => {
    const headers = { 'content-type': 'application/json', accept };
    const before = stack.sandbox.calls.length;
    const { status } = await fetch(`${stack.gateway.url}/graphql`, { method: 'POST', headers, body });
    const calls = stack.sandbox.calls.slice(before);
    return `${status} ${calls.filter(({ endpoint }) => endpoint === 'validate').length}`;
  };
  for (const accept of ['text/xml', 'application/xml, image/*', 'application/json; charset=latin1', 'json'])
    expect(await sent(accept), accept).toBe('406 0');
  for (const accept of ['', 'text/xml, */*; q=0.1', 'text/event-stream', 'application/*'])
    expect(await sent(accept), accept).toBe('200 1');
});

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadPersistedOperations } from '../../src/http/persisted-operations.ts';
import { startStack, temporaryFolder, until, type Stack } from '../support/stack.ts';
import { post, rawSocket } from './support.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const KNOWN = 'query Known { accounts { name } }';
const EVENTS = 'subscription Events { purchaseEvents { cursor } }';
const apollo = (hash: string) => ({ persistedQuery: { version: 1, sha256Hash: hash } });

async function withManifest<T>(content: unknown, work: (path: string) => Promise<T>): Promise<T> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'manifest.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return await work(path);
}

const start = (only: 'on' | 'off') =>
  withManifest({ [sha256(KNOWN)]: KNOWN, [sha256(EVENTS)]: EVENTS }, (path) =>
    startStack({ env: { PERSISTED_OPERATIONS: path, PERSISTED_OPERATIONS_ONLY: only } }),
  );

describe('with a manifest', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await start('off')));
  afterAll(() => stack[Symbol.asyncDispose]());

  it('an operation may be named by its hash, as Apollo’s clients do, or by documentId', async () => {
    const named = await post(stack, { extensions: apollo(sha256(KNOWN)) });
    expect(named.body['data'].accounts.length).toBeGreaterThan(0);
    expect((await post(stack, { documentId: sha256(KNOWN) })).body['data']).toEqual(named.body['data']);
    const extensions = encodeURIComponent(JSON.stringify(apollo(sha256(KNOWN))));
    const got = await fetch(`${stack.gateway.url}/graphql?extensions=${extensions}`);
    expect(((await got.json()) as { data: unknown }).data).toEqual(named.body['data']);
  });

  it('a hash that is not in it is told in the words of Apollo’s protocol, and never learnt', async () => {
    const query = '{ __typename }';
    const extensions = apollo(sha256(query));
    const ask = (body: object) => post(stack, body);
    const unknown = await ask({ extensions });
    expect(unknown.body['errors'][0]).toMatchObject({
      message: 'PersistedQueryNotFound',
      extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' },
    });
    expect((await ask({ query, extensions })).body['data']).toEqual({ __typename: 'Query' });
    expect((await ask({ extensions })).body['errors']).toHaveLength(1);
  });

  it('any other operation may be sent too', async () => {
    expect((await post(stack, { query: '{ __typename }' })).body['data']).toEqual({ __typename: 'Query' });
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('a hash of "%s" names nothing', async (hash) => {
    const answer = await post(stack, { extensions: apollo(hash) });
    expect(answer.body['errors'][0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  });
});

describe('without a manifest', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack()));
  afterAll(() => stack[Symbol.asyncDispose]());

  const byHash = { extensions: apollo(sha256(KNOWN)) };
  const byId = { documentId: sha256(KNOWN) };
  it.each([
    ['a hash alone, as Apollo’s clients send first', byHash, /^PersistedQueryNotSupported$/],
    ['a hash with an empty text', { query: '', ...byHash }, /^PersistedQueryNotSupported$/],
    ['a documentId alone', byId, /no manifest \(PERSISTED_OPERATIONS\)\. Send its text as `query`\.$/],
  ])('%s is told to send the text, over HTTP and over WebSocket', async (_name, body, message) => {
    const told = {
      message: expect.stringMatching(message),
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
    };
    const answer = await post(stack, body);
    expect([answer.status, answer.body['errors']]).toEqual([400, [expect.objectContaining(told)]]);
    const socket = await rawSocket(stack.gateway.url);
    socket.send({ id: 'a', type: 'subscribe', payload: { query: '', ...body } });
    await until(() => socket.received.length === 2, 'the refusal');
    expect(socket.received[1]).toMatchObject({ type: 'error', payload: [told] });
    socket.socket.close();
  });

  it('the text is run, with its hash or its id beside it', async () => {
    for (const name of [byHash, byId])
      expect((await post(stack, { query: KNOWN, ...name })).body['data']).toBeDefined();
  });

  it('a request that brings neither is told so', async () => {
    expect((await post(stack, {})).body['errors'][0].message).toMatch(/query/);
  });
});

describe('with only the operations of a manifest', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await start('on')));
  afterAll(() => stack[Symbol.asyncDispose]());

  it.each([
    ['a text', { query: '{ __typename }' }],
    ['a text under another’s hash', { query: '{ __typename }', extensions: apollo(sha256(KNOWN)) }],
    ['the text of a known one without its hash', { query: KNOWN }],
    ['a text in a list of operations', { query: `${KNOWN} query Other { __typename }` }],
  ])('%s is refused, over HTTP and over WebSocket', async (_name, body) => {
    const before = stack.sandbox.calls.length;
    const answer = await post(stack, body);
    expect(answer.status).toBe(400);
    expect(answer.body['errors'][0].extensions.code).toBe('PERSISTED_OPERATIONS_ONLY');
    const socket = await rawSocket(stack.gateway.url);
    socket.send({ id: 'a', type: 'subscribe', payload: body });
    await until(() => socket.received.length === 2, 'the refusal');
    expect(socket.received[1]).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'PERSISTED_OPERATIONS_ONLY' } }],
    });
    socket.socket.close();
    expect(stack.sandbox.calls).toHaveLength(before);
  });

  it('a known one is run by its hash, and with its text beside it', async () => {
    expect((await post(stack, { extensions: apollo(sha256(KNOWN)) })).body['data']).toBeDefined();
    const both = await post(stack, { query: KNOWN, extensions: apollo(sha256(KNOWN)) });
    expect(both.body['data']).toBeDefined();
  });

  it('a subscription is named by its hash over WebSocket', async () => {
    const socket = await rawSocket(stack.gateway.url);
    socket.send({ id: 'a', type: 'subscribe', payload: { query: '', extensions: apollo(sha256(EVENTS)) } });
    socket.send({ id: 'b', type: 'subscribe', payload: { query: '', extensions: apollo(sha256(KNOWN)) } });
    await until(() => socket.received.some(({ id }) => id === 'b'), 'an answer');
    expect(socket.received.find(({ id }) => id === 'b')).toMatchObject({ type: 'next' });
    expect(socket.received.find(({ id }) => id === 'a')).toBeUndefined();
    socket.socket.close();
  });

  it('a request that names none is told so', async () => {
    expect((await post(stack, {})).body['errors'][0].message).toMatch(/query/);
  });
});

describe('a manifest', () => {
  const load = (content: unknown) => withManifest(content, (path) => loadPersistedOperations(path, true));

  it('may be Apollo’s, whose ids are its own', async () => {
    const { texts } = await load({
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: 'mine', name: 'Known', type: 'query', body: KNOWN }],
    });
    expect(texts.get('mine')).toBe(KNOWN);
    expect(texts.get(sha256(KNOWN))).toBe(KNOWN);
  });

  it.each<[name: string, content: unknown, told: RegExp]>([
    ['is no JSON', '{"a":', /no JSON/],
    ['is a list', [KNOWN], /must be \{"<sha256>"/],
    ['is empty', {}, /has no operations/],
    ['has a number for a text', { [sha256(KNOWN)]: 1 }, new RegExp(`entry ${sha256(KNOWN)} is no operation`)],
    [
      'has a hash that is not its text’s',
      { [sha256('x')]: KNOWN },
      new RegExp(`entry ${sha256('x')}: the text's SHA-256 is ${sha256(KNOWN)}`),
    ],
    ['has a name that is no hash', { Known: KNOWN }, /entry Known: the name must be the text's SHA-256/],
    [
      'has a text that is no GraphQL',
      { [sha256('{')]: '{' },
      new RegExp(`entry ${sha256('{')}: Syntax Error`),
    ],
    [
      'asks for what there is not',
      { [sha256('{ nothing }')]: '{ nothing }' },
      /Cannot query field "nothing"/,
    ],
  ])('that %s is refused by the file’s name and the entry', async (_name, content, told) => {
    await expect(load(content)).rejects.toThrow(told);
    await expect(load(content)).rejects.toThrow(/^PERSISTED_OPERATIONS=.*manifest\.json: /);
  });

  it('that is not there stops the start', async () => {
    const starting = startStack({ env: { PERSISTED_OPERATIONS: '/nowhere/manifest.json' } });
    await expect(starting).rejects.toThrow(/PERSISTED_OPERATIONS=\/nowhere\/manifest.json: .*ENOENT/);
  });

  it('is missed when only its operations are to be taken', async () => {
    await expect(startStack({ env: { PERSISTED_OPERATIONS_ONLY: 'on' } })).rejects.toThrow(
      /PERSISTED_OPERATIONS is missing/,
    );
  });
});

import fc from 'fast-check';

import { frame } from '../corpus/frames.ts';
import { operation, spoil } from './operations.ts';

/** What is sent in one step of the fuzzing. */
export type FuzzCase =
  | { readonly kind: 'post' | 'get' | 'stream'; readonly body: string }
  | { readonly kind: 'connection'; readonly bytes: Buffer }
  | { readonly kind: 'socket'; readonly bytes: Buffer };

const json = (value: unknown) => JSON.stringify(value);
const message = (value: unknown) => frame(1, json(value));

const body = operation.map(json);
const spoilt = body.chain((text) => spoil(Buffer.from(text)).map((bytes) => bytes.toString('utf8')));
/** The document alone is spoilt, so that the JSON around it is read. */
const spoiltQuery = operation.chain(({ query, variables }) =>
  spoil(Buffer.from(query)).map((bytes) => json({ query: bytes.toString('utf8'), variables })),
);

const request = body.map((text) =>
  Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  ),
);
const chunked = body.map((text) =>
  Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`,
  ),
);
const talk = fc
  .array(
    fc.oneof(
      operation.map((payload) => message({ id: 'a', type: 'subscribe', payload })),
      operation.map((payload) => message({ id: 'b', type: 'subscribe', payload })),
      fc.constantFrom({ type: 'ping' }, { type: 'pong' }, { id: 'a', type: 'complete' }).map(message),
      fc.jsonValue().map(message),
      fc.record({ id: fc.string(), type: fc.string(), payload: fc.jsonValue() }).map(message),
      fc
        .tuple(fc.nat(15), fc.uint8Array({ maxLength: 64 }))
        .map(([opcode, bytes]) => frame(opcode, Buffer.from(bytes))),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((frames) => Buffer.concat(frames));

export const fuzzCase: fc.Arbitrary<FuzzCase> = fc.oneof(
  { weight: 4, arbitrary: body.map((text) => ({ kind: 'post' as const, body: text })) },
  { weight: 3, arbitrary: spoiltQuery.map((text) => ({ kind: 'post' as const, body: text })) },
  { weight: 2, arbitrary: spoilt.map((text) => ({ kind: 'post' as const, body: text })) },
  { weight: 1, arbitrary: body.map((text) => ({ kind: 'get' as const, body: text })) },
  { weight: 1, arbitrary: body.map((text) => ({ kind: 'stream' as const, body: text })) },
  {
    weight: 3,
    arbitrary: fc
      .oneof(request, chunked)
      .chain(spoil)
      .map((bytes) => ({ kind: 'connection' as const, bytes })),
  },
  { weight: 2, arbitrary: talk.map((bytes) => ({ kind: 'socket' as const, bytes })) },
  { weight: 2, arbitrary: talk.chain(spoil).map((bytes) => ({ kind: 'socket' as const, bytes })) },
);

/** The case of a number: the same for ever. */
export function caseOf(seed: number): FuzzCase {
  const [one] = fc.sample(fuzzCase, { seed, numRuns: 1 });
  if (one === undefined) throw new Error('nothing was drawn');
  return one;
}

import { rfc, type HostileCase } from './case.ts';

export interface FrameCase extends HostileCase {
  /** Written on an open socket, after `connection_init` was acknowledged unless `bare`. */
  readonly bytes: Buffer;
  readonly bare?: boolean;
}

const FIN = 0x80;
const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

interface Shape {
  readonly fin?: boolean;
  /** RSV1 is 0x40. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** What the header says, whatever there is. */
  readonly length?: number;
}

/** A frame as a client writes it, or as none should. */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  { fin = true, reserved = 0, masked = true, length }: Shape = {},
): Buffer {
  const body = Buffer.from(payload);
  const said = length ?? body.length;
  const head = [(fin ? FIN : 0) | reserved | opcode];
  const mask = masked ? 0x80 : 0;
  if (said < 126) head.push(mask | said);
  else if (said < 65_536) head.push(mask | 126, said >> 8, said & 255);
  else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(said));
    head.push(mask | 127, ...long);
  }
  // A mask of noughts changes nothing.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), body]);
}

const { more, text, binary, close, ping } = opcodes;
const message = (value: unknown) => frame(text, JSON.stringify(value));
const subscribe = (query: unknown, more: object = {}, id: unknown = 'a') =>
  message({ id, type: 'subscribe', payload: { query, ...more } });
const code = (value: number) => Buffer.from([value >> 8, value & 255]);
const protocol = 'GraphQL over WebSocket protocol';
const times = (count: number, of: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => of(n)).join(' ');

type Row = readonly [
  name: string,
  bytes: Buffer | readonly Buffer[],
  answer: string,
  source: string,
  bare?: 'bare',
];

const frames: readonly Row[] = [
  ['unmasked', frame(text, '{"type":"ping"}', { masked: false }), 'closed 1002', rfc(6455, '5.1')],
  ['of a reserved opcode, 3', frame(3, 'x'), 'closed 1002', rfc(6455, '5.2')],
  ['of a reserved opcode, 7', frame(7, 'x'), 'closed 1002', rfc(6455, '5.2')],
  ['of a reserved opcode, 11', frame(11, 'x'), 'closed 1002', rfc(6455, '5.2')],
  ['of a reserved opcode, 15', frame(15, 'x'), 'closed 1002', rfc(6455, '5.2')],
  ['with RSV1, as if compressed', frame(text, 'x', { reserved: 0x40 }), 'closed 1002', rfc(7692, '6')],
  ['with RSV2', frame(text, 'x', { reserved: 0x20 }), 'closed 1002', rfc(6455, '5.2')],
  ['with RSV3', frame(text, 'x', { reserved: 0x10 }), 'closed 1002', rfc(6455, '5.2')],
  [
    'compressed, a bomb',
    frame(text, Buffer.alloc(1_000, 0xaa), { reserved: 0x40 }),
    'closed 1002',
    'CVE-2016-10542',
  ],
  ['of no UTF-8', frame(text, Buffer.from([0xff, 0xfe, 0xfd])), 'closed 1007', rfc(6455, '8.1')],
  ['of an overlong encoding', frame(text, Buffer.from([0xc0, 0xaf])), 'closed 1007', rfc(3629, '10')],
  ['of half a pair, encoded', frame(text, Buffer.from([0xed, 0xa0, 0x80])), 'closed 1007', rfc(3629, '3')],
  ['of half a character', frame(text, Buffer.from([0xe2, 0x82])), 'closed 1007', rfc(6455, '8.1')],
  ['that is too long', frame(text, 'x'.repeat(100_001)), 'closed 1009', rfc(6455, '10.4')],
  ['that says it is of 4 GB', frame(text, 'x', { length: 4_294_967_295 }), 'closed 1009', 'CVE-2016-10518'],
  ['that says it is of 2^53 bytes', frame(text, 'x', { length: 2 ** 53 }), 'closed 1009', rfc(6455, '5.2')],
  ['that goes on with nothing', frame(more, 'x'), 'closed 1002', rfc(6455, '5.4')],
  [
    'a second beginning',
    [frame(text, 'x', { fin: false }), frame(text, 'y')],
    'closed 1002',
    rfc(6455, '5.4'),
  ],
  [
    'a message in parts that is too long',
    [frame(text, 'x'.repeat(60_000), { fin: false }), frame(more, 'x'.repeat(60_000))],
    'closed 1009',
    rfc(6455, '10.4'),
  ],
  [
    'a message of thousands of empty parts',
    [frame(text, '{', { fin: false }), ...Array<Buffer>(5_000).fill(frame(more, '', { fin: false }))],
    'closed 1008 or silence',
    'CVE-2023-44487, likewise',
  ],
  ['a ping that is too long', frame(ping, 'x'.repeat(126)), 'closed 1002', rfc(6455, '5.5')],
  ['a ping in parts', frame(ping, 'x', { fin: false }), 'closed 1002', rfc(6455, '5.4')],
  ['a close of one byte', frame(close, 'x'), 'closed 1002', rfc(6455, '5.5.1')],
  ['a close of a code that is none', frame(close, code(999)), 'closed 1002', rfc(6455, '7.4.1')],
  ['a close of a code that is reserved', frame(close, code(1005)), 'closed 1002', rfc(6455, '7.4.1')],
  [
    'a close whose reason is no UTF-8',
    frame(close, Buffer.concat([code(1000), Buffer.from([0xff])])),
    'closed 1007',
    rfc(6455, '8.1'),
  ],
  ['a close that is too long', frame(close, 'x'.repeat(126)), 'closed 1002', rfc(6455, '5.5')],
  [
    'a close and then a message',
    [frame(close, code(1000)), message({ type: 'ping' })],
    'closed 1000',
    rfc(6455, '5.5.1'),
  ],
  [
    'bytes of another protocol',
    Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    'closed 1002',
    'cross-protocol scripting',
  ],
];

const messages: readonly Row[] = [
  ['nothing', frame(text, ''), 'closed 4400', protocol],
  ['no JSON', frame(text, '{'), 'closed 4400', protocol],
  ['a number', frame(text, '1'), 'closed 4400', protocol],
  ['null', frame(text, 'null'), 'closed 4400', protocol],
  ['a list', frame(text, '[]'), 'closed 4400', protocol],
  ['an empty object', frame(text, '{}'), 'closed 4400', protocol],
  ['a NUL', frame(text, '\0'), 'closed 4400', protocol],
  ['JSON as bytes', frame(binary, '{"type":"ping"}'), 'next pong', protocol],
  ['bytes that are no text', frame(binary, Buffer.from([0xff, 0])), 'closed 4400', protocol],
  ['lists within lists', frame(text, '['.repeat(90_000)), 'closed 4400', 'CVE-2022-42003'],
  ['a type that there is not', message({ type: 'start' }), 'closed 4400', 'subscriptions-transport-ws'],
  [
    'a type of the prototype',
    message({ type: '__proto__' }),
    'closed 4400',
    'PortSwigger, prototype pollution',
  ],
  ['a type that is a number', message({ type: 1 }), 'closed 4400', protocol],
  ['a type of the server', message({ id: 'a', type: 'next', payload: {} }), 'closed 4500', protocol],
  ['an acknowledgement', message({ type: 'connection_ack' }), 'closed 4500', protocol],
  ['a second beginning', message({ type: 'connection_init' }), 'closed 4429', protocol],
  [
    'a beginning with a text',
    message({ type: 'connection_init', payload: 'x' }),
    'closed 4400',
    protocol,
    'bare',
  ],
  ['an operation before the beginning', subscribe('{ __typename }'), 'closed 4401', protocol, 'bare'],
  ['a completion before the beginning', message({ id: 'a', type: 'complete' }), 'silence', protocol, 'bare'],
  ['no id', message({ type: 'subscribe', payload: { query: '{ __typename }' } }), 'closed 4400', protocol],
  ['an empty id', subscribe('{ __typename }', {}, ''), 'closed 4400', protocol],
  ['an id that is a number', subscribe('{ __typename }', {}, 1), 'closed 4400', protocol],
  [
    'an id of the prototype',
    subscribe('{ __typename }', {}, '__proto__'),
    'next next',
    'PortSwigger, prototype pollution',
  ],
  ['an id of fifty kilobytes', subscribe('{ __typename }', {}, 'x'.repeat(50_000)), 'next next', protocol],
  [
    'one id twice',
    [subscribe('subscription { purchaseEvents { cursor } }'), subscribe('{ __typename }')],
    'closed 4409',
    protocol,
  ],
  ['a completion of what there is not', message({ id: 'none', type: 'complete' }), 'silence', protocol],
  [
    'a completion of the prototype',
    message({ id: '__proto__', type: 'complete' }),
    'silence',
    'PortSwigger, prototype pollution',
  ],
  ['no payload', message({ id: 'a', type: 'subscribe' }), 'closed 4400', protocol],
  ['no query', message({ id: 'a', type: 'subscribe', payload: {} }), 'closed 4400', protocol],
  ['a query that is a number', subscribe(1), 'closed 4400', protocol],
  ['a query that is an object', subscribe({ kind: 'Document' }), 'closed 4400', 'CVE-2021-41248'],
  ['variables that are a text', subscribe('{ __typename }', { variables: 'x' }), 'closed 4400', protocol],
  ['variables that are a list', subscribe('{ __typename }', { variables: [1] }), 'closed 4400', protocol],
  [
    'an operation’s name that is an object',
    subscribe('{ __typename }', { operationName: {} }),
    'closed 4400',
    protocol,
  ],
  [
    'the prototype in the variables',
    message(
      JSON.parse(
        '{"id":"a","type":"subscribe","payload":{"query":"{ __typename }","variables":{"__proto__":{"polluted":true}}}}',
      ),
    ),
    'next next',
    'PortSwigger, prototype pollution',
  ],
  ['an empty query', subscribe(''), 'error BAD_REQUEST', protocol],
  ['a query that does not end', subscribe('{ a'), 'error GRAPHQL_PARSE_FAILED', protocol],
  ['a field that there is not', subscribe('{ passwords }'), 'error GRAPHQL_VALIDATION_FAILED', protocol],
  [
    'an operation that there is not',
    subscribe('query A { __typename }', { operationName: 'B' }),
    'error ',
    protocol,
  ],
  [
    'a cursor that is none',
    subscribe('subscription { purchaseEvents(after: "x") { cursor } }'),
    'next INVALID_INPUT',
    'Relay, cursor connections',
  ],
  [
    'a subscription of a purchase that there is not',
    subscribe('subscription { purchaseUpdated(id: "x") { id } }'),
    'next NOT_FOUND',
    'OWASP IDOR',
  ],
  [
    'a subscription of an account that there is not',
    subscribe('subscription { accountUpdated(id: "QWNjb3VudDo5OTk5OQ==") { id } }'),
    'next NOT_FOUND',
    'OWASP IDOR',
  ],
  [
    'a NUL in a variable',
    subscribe('query ($x: ID!) { node(id: $x) { id } }', { variables: { x: 'a\0b' } }),
    'next BAD_REQUEST',
    'Big List of Naughty Strings',
  ],
  [
    'aliases',
    subscribe(`{ ${times(300, (n) => `a${n}: __typename`)} }`),
    'error OPERATION_TOO_COMPLEX',
    'graphql-armor documentation',
  ],
  [
    'tokens',
    subscribe(`{ ${'__typename '.repeat(2_000)} }`),
    'error OPERATION_TOO_COMPLEX',
    'graphql-armor documentation',
  ],
  [
    'directives',
    subscribe(`{ __typename ${'@a '.repeat(300)} }`),
    'error OPERATION_TOO_COMPLEX',
    'CVE-2022-37734',
  ],
  [
    'fields that repeat',
    subscribe(`{ ${'viewer { username } '.repeat(100)} }`),
    'error OPERATION_TOO_COMPLEX',
    'CVE-2023-26144',
  ],
  [
    'pages of pages',
    subscribe(
      '{ purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } }',
    ),
    'next OPERATION_TOO_COMPLEX',
    'OWASP GraphQL cheat sheet',
  ],
  [
    'doubling fragments',
    subscribe(
      `{ accounts { ...F0 } } ${times(40, (n) => `fragment F${n} on Account { ...F${n + 1} ...F${n + 1} }`)} fragment F40 on Account { id }`,
    ),
    'next OPERATION_TOO_COMPLEX',
    'CVE-2023-28867',
  ],
  [
    'a circle of fragments',
    subscribe('{ ...A } fragment A on Query { ...A }'),
    'error GRAPHQL_VALIDATION_FAILED',
    'CVE-2022-30288',
  ],
  [
    'a subscription of pages of pages',
    subscribe(
      'subscription { purchaseEvents { purchase { account { purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } } } } }',
    ),
    'next OPERATION_TOO_COMPLEX',
    'OWASP GraphQL cheat sheet',
  ],
  [
    'a flood of pings',
    Array<Buffer>(2_000).fill(message({ type: 'ping' })),
    'closed 1008',
    'OWASP denial of service',
  ],
  [
    'a flood of the transport’s pings',
    Array<Buffer>(2_000).fill(frame(ping, 'x')),
    'closed 1008 or closed 1006',
    'OWASP denial of service',
  ],
  [
    'a flood of operations',
    Array.from({ length: 1_000 }, (_, n) => subscribe('{ __typename }', {}, `${n}`)),
    'closed 1008',
    'OWASP denial of service',
  ],
  [
    'a flood of completions',
    Array<Buffer>(1_000).fill(message({ id: 'a', type: 'complete' })),
    'closed 1008',
    'OWASP denial of service',
  ],
];

const asCase =
  (category: string) =>
  ([name, bytes, answer, source, bare]: Row): FrameCase => ({
    ...{ name, category, source, answer, bare: bare === 'bare' },
    bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes),
  });

export const frameCases: readonly FrameCase[] = [
  ...frames.map(asCase('frames')),
  ...messages.map(asCase('messages')),
];

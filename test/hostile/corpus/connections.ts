import { owasp, rfc, type HostileCase } from './case.ts';

export interface ConnectionCase extends HostileCase {
  /** Written one after the other, with a pause between. */
  readonly bytes: readonly (string | Buffer)[];
}

const ok = '{"query":"{ r: __typename }"}';
const post = (headers: string, body = '') =>
  `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;
const chunked = (body: string) => post('transfer-encoding: chunked\r\nconnection: close\r\n', body);
const evil = 'GET /evil HTTP/1.1\r\nhost: localhost\r\n\r\n';
const smuggling = 'PortSwigger, HTTP request smuggling';

type Row = readonly [
  name: string,
  bytes: string | Buffer | readonly (string | Buffer)[],
  answer: string,
  source: string,
];

const smuggled: readonly Row[] = [
  [
    'CL.TE',
    post('content-length: 6\r\ntransfer-encoding: chunked\r\n', `0\r\n\r\n${evil}`),
    '400',
    smuggling,
  ],
  [
    'TE.CL',
    post('transfer-encoding: chunked\r\ncontent-length: 4\r\n', `1e\r\n${evil}\r\n0\r\n\r\n`),
    '400',
    smuggling,
  ],
  [
    'TE.TE, one unknown',
    post('transfer-encoding: chunked\r\ntransfer-encoding: x\r\n', `0\r\n\r\n${evil}`),
    '400',
    smuggling,
  ],
  [
    'TE, in capitals with a tab',
    post('Transfer-Encoding:\tCHUNKED\r\nconnection: close\r\n', `1d\r\n${ok}\r\n0\r\n\r\n`),
    '200',
    rfc(9112, '6.1'),
  ],
  ['TE, misspelt', post('transfer-encoding: xchunked\r\n', `0\r\n\r\n${evil}`), '400', smuggling],
  ['TE, quoted', post('transfer-encoding: "chunked"\r\n', `0\r\n\r\n${evil}`), '400', smuggling],
  [
    'TE, not last',
    post('transfer-encoding: chunked, identity\r\n', `0\r\n\r\n${evil}`),
    '400',
    rfc(9112, '6.1'),
  ],
  ['TE, folded', post('transfer-encoding:\r\n chunked\r\n', `0\r\n\r\n${evil}`), '400', rfc(9112, '5.2')],
  [
    'TE, a space before the colon',
    post('transfer-encoding : chunked\r\n', `0\r\n\r\n${evil}`),
    '400',
    rfc(9112, '5.1'),
  ],
  [
    'TE, behind a vertical tab',
    post('transfer-encoding:\x0bchunked\r\n', `0\r\n\r\n${evil}`),
    '400',
    smuggling,
  ],
  [
    'TE in HTTP/1.0',
    `POST /graphql HTTP/1.0\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${evil}`,
    '400',
    rfc(9112, '6.1'),
  ],
  [
    'two lengths that differ',
    post('content-length: 2\r\ncontent-length: 30\r\n', `{}${evil}`),
    '400',
    rfc(9110, '8.6'),
  ],
  [
    'two lengths that do not',
    post('content-length: 2\r\ncontent-length: 2\r\n', '{}'),
    '400',
    rfc(9110, '8.6'),
  ],
  ['a list of lengths', post('content-length: 2, 2\r\n', '{}'), '400', rfc(9110, '8.6')],
  ['a length in hexadecimal', post('content-length: 0x2\r\n', '{}'), '400', rfc(9110, '8.6')],
  ['a length with a sign', post('content-length: +2\r\n', '{}'), '400', rfc(9110, '8.6')],
  ['a length below nought', post('content-length: -2\r\n', '{}'), '400', rfc(9110, '8.6')],
  [
    'a length beyond 64 bits',
    post('content-length: 99999999999999999999\r\n', '{}'),
    '400',
    rfc(9110, '8.6'),
  ],
  ['a length of nothing', post('content-length:\r\n', '{}'), '400', rfc(9110, '8.6')],
  [
    'a body of a GET, with a request in it',
    `GET /health/live HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${evil.length}\r\nconnection: close\r\n\r\n${evil}`,
    '200',
    smuggling,
  ],
  ['a chunk whose size is signed', chunked('+1d\r\nx\r\n0\r\n\r\n'), '400', rfc(9112, '7.1')],
  ['a chunk whose size is in C', chunked('0x1d\r\nx\r\n0\r\n\r\n'), '400', rfc(9112, '7.1')],
  ['a chunk whose size overflows', chunked('fffffffffffffffff\r\nx\r\n0\r\n\r\n'), '400', 'CVE-2013-2028'],
  ['a chunk longer than its size', chunked('2\r\nxxxxxx\r\n0\r\n\r\n'), '400', rfc(9112, '7.1')],
  ['a chunk that ends in a bare LF', chunked(`1d\r\n${ok}\n0\r\n\r\n`), '400', 'CVE-2022-32214'],
  ['an extension of a chunk without end', chunked(`1;${'a=b;'.repeat(10_000)}`), '413', 'CVE-2024-22019'],
  [
    'trailers that name a length',
    chunked(`1d\r\n${ok}\r\n0\r\ncontent-length: 50\r\n\r\n`),
    '400',
    rfc(9110, '6.5.1'),
  ],
];

const lines: readonly Row[] = [
  ['a bare LF', 'GET /health/live HTTP/1.1\nhost: localhost\n\n', '400', rfc(9112, '2.2')],
  [
    'a bare CR in a header',
    'GET /health/live HTTP/1.1\r\nhost: localhost\ry: z\r\n\r\n',
    '400',
    rfc(9112, '2.2'),
  ],
  [
    'a NUL in a header',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\na: b\0c\r\n\r\n',
    '400',
    rfc(9110, '5.5'),
  ],
  ['a NUL in the path', 'GET /health\0/live HTTP/1.1\r\nhost: localhost\r\n\r\n', '400', rfc(9112, '3.2')],
  [
    'a header without a name',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\n: y\r\n\r\n',
    '400',
    rfc(9110, '5.1'),
  ],
  [
    'a header without a colon',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\nabc\r\n\r\n',
    '400',
    rfc(9110, '5.1'),
  ],
  [
    'a header name with a space',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\na b: c\r\n\r\n',
    '400',
    rfc(9110, '5.1'),
  ],
  [
    'a header name with UTF-8',
    'GET /health/live HTTP/1.1\r\nhost: localhost\r\nhöst: c\r\n\r\n',
    '400',
    rfc(9110, '5.1'),
  ],
  [
    'a header that begins with a space',
    'GET /health/live HTTP/1.1\r\n host: localhost\r\n\r\n',
    '400',
    rfc(9112, '2.2'),
  ],
  ['no host', 'GET /health/live HTTP/1.1\r\n\r\n', '400', rfc(9112, '3.2')],
  [
    'a host that is none',
    'POST /graphql HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n',
    '400',
    rfc(9110, '7.2'),
  ],
  [
    'a host with a port that is none',
    'GET /graphql?query={a} HTTP/1.1\r\nhost: x:99999999\r\nconnection: close\r\n\r\n',
    '400',
    rfc(9110, '7.2'),
  ],
  [
    'a host of half an address',
    'GET /graphql?query={a} HTTP/1.1\r\nhost: [::1\r\nconnection: close\r\n\r\n',
    '400',
    rfc(9110, '7.2'),
  ],
  [
    'an empty host',
    'GET /graphql?query={a} HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n',
    '400',
    rfc(9110, '7.2'),
  ],
  ['no version', 'GET /health/live\r\n\r\n', '505', rfc(9112, '3')],
  ['version 0.9', 'GET /health/live HTTP/0.9\r\nhost: localhost\r\n\r\n', '505', rfc(9110, '15.6.6')],
  ['version 3', 'GET /health/live HTTP/3.0\r\nhost: localhost\r\n\r\n', '400', rfc(9110, '15.6.6')],
  ['a method that there is not', 'PWN /graphql HTTP/1.1\r\nhost: localhost\r\n\r\n', '400', rfc(9110, '9.1')],
  [
    'a method in small letters',
    'get /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n',
    '400',
    rfc(9110, '9.1'),
  ],
  [
    'TRACE',
    'TRACE /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    '405',
    'CVE-2003-1567',
  ],
  [
    'CONNECT to another',
    'CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n',
    'closed',
    rfc(9110, '9.3.6'),
  ],
  [
    'a proxied address',
    'GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
    '404',
    rfc(9112, '3.2.2'),
  ],
  [
    'an asterisk',
    'OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    '404',
    rfc(9112, '3.2.4'),
  ],
  [
    'headers of 20 kB',
    `GET /health/live HTTP/1.1\r\nhost: localhost\r\na: ${'b'.repeat(20_000)}\r\n\r\n`,
    '431',
    'CVE-2018-12121',
  ],
  [
    'a path of 20 kB',
    `GET /${'b'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    '431',
    'CVE-2018-12121',
  ],
  [
    'thousands of headers',
    `GET /health/live HTTP/1.1\r\nhost: localhost\r\n${'a: b\r\n'.repeat(3_000)}\r\n`,
    '200',
    'CVE-2018-12121',
  ],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400', rfc(9113, '3.4')],
  ['a greeting of TLS', Buffer.from('16030100c8010000c40303', 'hex'), '400', rfc(8446, '4.1.2')],
  ['a greeting of SSH', 'SSH-2.0-OpenSSH_9.6\r\n', '400', rfc(4253, '4.2')],
  ['a command of Redis', '*1\r\n$8\r\nFLUSHALL\r\n', '400', 'cross-protocol scripting'],
  ['a command of SMTP', 'EHLO evil.example\r\n', '400', 'cross-protocol scripting'],
  ['the start of PostgreSQL', Buffer.from('0000000804d2162f', 'hex'), '400', 'PostgreSQL, message formats'],
  ['random bytes', Buffer.from('ff00fe01aa55deadbeef0a0d0a0d', 'hex'), '400', 'fuzzing'],
  [
    'blank lines',
    '\r\n\r\n\r\n\r\nGET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    '200',
    rfc(9112, '2.2'),
  ],
];

const slow: readonly Row[] = [
  ['nothing', '', '408', 'slowloris'],
  ['half of a line', 'GET /health', '408', 'slowloris'],
  [
    'headers without end',
    ['GET /health/live HTTP/1.1\r\n', ...Array<string>(60).fill('a: b\r\n')],
    '408 or closed',
    'slowloris',
  ],
  ['a body that does not come', post('content-length: 100\r\n'), '408', 'R-U-Dead-Yet'],
  [
    'a body by the byte',
    [post('content-length: 100\r\n'), ...Array<string>(60).fill(' ')],
    '408 or closed',
    'R-U-Dead-Yet',
  ],
  ['a chunk that does not come', post('transfer-encoding: chunked\r\n', '5\r\n{'), '408', 'R-U-Dead-Yet'],
  [
    'a body that waits to be asked for',
    post('content-length: 100\r\nexpect: 100-continue\r\n'),
    '100 408',
    rfc(9110, '10.1.1'),
  ],
  [
    'more than it announces',
    [post('content-length: 2\r\n', '{}'), 'x'.repeat(50)],
    '200 400',
    rfc(9112, '6.3'),
  ],
  [
    'a body beyond the limit, by chunks',
    [post('transfer-encoding: chunked\r\n'), ...Array<string>(20).fill(`2710\r\n${'x'.repeat(10_000)}\r\n`)],
    '413',
    owasp,
  ],
  ['a body beyond the limit, announced', post('content-length: 100001\r\n', 'x'), '413', owasp],
];

const upgrades: readonly Row[] = [
  [
    'to nothing known',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    '400',
    rfc(6455, '4.2.1'),
  ],
  [
    'to HTTP/2',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n\r\n',
    '400',
    'h2c smuggling',
  ],
  [
    'without a key',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n',
    '400',
    rfc(6455, '4.2.1'),
  ],
  [
    'with a key that is too short',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: x\r\n\r\n',
    '400',
    rfc(6455, '4.2.1'),
  ],
  [
    'of version 99',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 99\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    '400',
    rfc(6455, '4.4'),
  ],
  [
    'by POST',
    'POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\ncontent-length: 0\r\n\r\n',
    '405',
    rfc(6455, '4.1'),
  ],
  [
    'elsewhere',
    'GET /evil HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    '400',
    rfc(6455, '4.2.2'),
  ],
  [
    'from another site',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    '403',
    'cross-site WebSocket hijacking',
  ],
  [
    'with a protocol that is no token',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: ,,\r\n\r\n',
    '400',
    rfc(6455, '4.2.1'),
  ],
  [
    'with an extension that is malformed',
    'GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\nsec-websocket-extensions: permessage-deflate; =\r\n\r\n',
    '101',
    'CVE-2021-32640',
  ],
];

const asCase =
  (category: string) =>
  ([name, bytes, answer, source]: Row): ConnectionCase => ({
    ...{ name, category, source, answer },
    bytes: typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes,
  });

export const connectionCases: readonly ConnectionCase[] = [
  ...smuggled.map(asCase('smuggling')),
  ...lines.map(asCase('lines')),
  ...slow.map(asCase('slow')),
  ...upgrades.map(asCase('upgrades')),
];

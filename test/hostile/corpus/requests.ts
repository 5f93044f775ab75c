import { owasp, rfc } from './case.ts';
import type { HttpCase } from './texts.ts';

const ok = '{"query":"{ r: __typename }"}';
const query = 'query ($x: ID!) { r: node(id: $x) { id } }';
const global = (text: string) => Buffer.from(text).toString('base64');
const cursor = (text: string) => Buffer.from(text).toString('base64url');
const get = (search: string) => `/graphql?${search}`;
const type = (contentType: string) => ({ 'content-type': contentType });

/** Bodies that are no request, or more than one. */
const bodies: readonly (readonly [name: string, body: string | Buffer, answer: string, source: string])[] = [
  ['nothing', '', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['null', 'null', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['a number', '42', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['a text', '"query"', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['an empty object', '{}', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['an empty list', '[]', '400 BAD_REQUEST', 'PortSwigger, batching'],
  ['a batch', `[${ok},${ok}]`, '400 BAD_REQUEST', 'PortSwigger, batching'],
  ['a batch of thousands', `[${Array(3_000).fill(ok).join()}]`, '400 BAD_REQUEST', 'PortSwigger, batching'],
  ['half of an object', '{"query":"{ __ty', '400 BAD_REQUEST', rfc(8259, '2')],
  ['two objects', ok + ok, '400 BAD_REQUEST', rfc(8259, '2')],
  ['a comment', `/**/${ok}`, '400 BAD_REQUEST', rfc(8259, '2')],
  ['a comma at the end', '{"query":"{ __typename }",}', '400 BAD_REQUEST', rfc(8259, '4')],
  ['single quotes', "{'query':'{ __typename }'}", '400 BAD_REQUEST', rfc(8259, '7')],
  [
    'a number that is none',
    '{"query":"{ r: __typename }","variables":{"a":NaN}}',
    '400 BAD_REQUEST',
    rfc(8259, '6'),
  ],
  ['a key twice', '{"query":"{ nothing }","query":"{ r: __typename }"}', '200 data', rfc(8259, '4')],
  [
    'bytes that are no UTF-8',
    Buffer.concat([
      Buffer.from('{"query":"{ r: __typename } #'),
      Buffer.from([0xff, 0xfe, 0xc0]),
      Buffer.from('"}'),
    ]),
    '200 data',
    rfc(3629, '3'),
  ],
  [
    'an overlong encoding',
    Buffer.concat([
      Buffer.from('{"query":"{ r: node(id: \\"'),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('\\") { id } }"}'),
    ]),
    '200 null',
    rfc(3629, '10'),
  ],
  ['UTF-16', Buffer.from(ok, 'utf16le'), '400 BAD_REQUEST', rfc(8259, '8.1')],
  ['a mark of the byte order', `\ufeff${ok}`, '400 BAD_REQUEST', rfc(8259, '8.1')],
  ['random bytes', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 255, 0, 17]), '400 BAD_REQUEST', 'fuzzing'],
  ['lists within lists', '['.repeat(45_000) + ']'.repeat(45_000), '400 BAD_REQUEST', 'CVE-2022-42003'],
  ['lists within lists, unclosed', '['.repeat(90_000), '400 BAD_REQUEST', 'CVE-2022-42003'],
  [
    'objects within variables',
    `{"query":"{ __typename }","variables":${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}}`,
    '400 OPERATION_TOO_COMPLEX',
    'CVE-2022-42003',
  ],
  [
    'objects within extensions',
    `{"query":"{ r: __typename }","extensions":${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}}`,
    '200 data',
    'CVE-2022-42003',
  ],
  [
    'thousands of variables',
    `{"query":"{ r: __typename }","variables":{${Array.from({ length: 8_000 }, (_, n) => `"${n}":1`).join()}}}`,
    '200 data',
    owasp,
  ],
  ['more than is allowed', `{"query":"{ __typename } #${'x'.repeat(200_000)}"}`, '413 BODY_TOO_LARGE', owasp],
  ['a query that is a number', '{"query":1}', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  ['a query that is a list', '{"query":["{ __typename }"]}', '400 BAD_REQUEST', 'GraphQL over HTTP, 5.4.1'],
  [
    'a query that is an object',
    '{"query":{"kind":"Document","definitions":[]}}',
    '400 BAD_REQUEST',
    'CVE-2021-41248',
  ],
  [
    'variables that are a text',
    '{"query":"{ __typename }","variables":"x"}',
    '400 BAD_REQUEST',
    'GraphQL over HTTP, 5.4.1',
  ],
  [
    'variables that are a list',
    '{"query":"{ __typename }","variables":[1]}',
    '400 BAD_REQUEST',
    'GraphQL over HTTP, 5.4.1',
  ],
  [
    'extensions that are a text',
    '{"query":"{ __typename }","extensions":"x"}',
    '400 BAD_REQUEST',
    'GraphQL over HTTP, 5.4.1',
  ],
  [
    'a name that is no text',
    '{"query":"{ r: __typename }","operationName":{"a":1}}',
    '400 OPERATION_RESOLUTION_FAILURE',
    'GraphQL over HTTP, 5.4.1',
  ],
  [
    'a name that there is not',
    '{"query":"query A { r: __typename }","operationName":"B"}',
    '400 OPERATION_RESOLUTION_FAILURE',
    'GraphQL over HTTP, 5.4.1',
  ],
  [
    'a member that there is not',
    '{"query":"{ r: __typename }","admin":true}',
    '400 BAD_REQUEST',
    'OWASP mass assignment',
  ],
  [
    'the prototype as a member',
    '{"query":"{ r: __typename }","__proto__":{"admin":true}}',
    '400 BAD_REQUEST',
    'PortSwigger, prototype pollution',
  ],
  [
    'the prototype in the variables',
    '{"query":"{ r: __typename }","variables":{"__proto__":{"polluted":true}}}',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  [
    'the prototype in an input',
    `{"query":"query ($f: PurchaseFilter) { r: purchases(filter: $f) { edges { cursor } } }","variables":{"f":{"__proto__":{"polluted":true}}}}`,
    '400 BAD_USER_INPUT',
    'PortSwigger, prototype pollution',
  ],
  [
    'the constructor in the variables',
    '{"query":"{ r: __typename }","variables":{"constructor":{"prototype":{"polluted":true}}}}',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  [
    'the prototype in the extensions',
    '{"query":"{ r: __typename }","extensions":{"__proto__":{"polluted":true},"persistedQuery":null}}',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  [
    'a hash without a manifest',
    '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
    '400 PERSISTED_QUERY_NOT_SUPPORTED',
    'Apollo, automatic persisted queries',
  ],
  [
    'an upload',
    '{"query":"mutation ($f: Upload!) { a(f: $f) }","variables":{"f":null},"map":{"0":["variables.f"]}}',
    '400 BAD_REQUEST',
    'CVE-2022-24434',
  ],
];

/** Ids, cursors and keys that are malformed, foreign or made up. */
const ids: readonly (readonly [name: string, id: string])[] = [
  ['a number', '1'],
  ['an account that there is not', global('Account:99999')],
  ['an account of minus one', global('Account:-1')],
  ['an account beyond doubles', global('Account:99999999999999999999')],
  ['an account by a float', global('Account:1.5')],
  ['an account by an exponent', global('Account:1e3')],
  ['an account in hexadecimal', global('Account:0x3399')],
  ['an account with a blank', global('Account: 13209')],
  ['an account with a statement', global("Account:1' OR 1=1")],
  ['a purchase that there is not', global('Purchase:019365f0-0000-7000-8000-000000000001')],
  ['a purchase of no UUID', global('Purchase:%')],
  ['a purchase with a NUL', global('Purchase:\0')],
  ['a quote that there is not', global('Quote:019365f0-0000-7000-8000-000000000001')],
  ['a quote with a NUL', global('Quote:a\0b')],
  ['a type that there is not', global('User:1')],
  ['a type that has no ids', global('Money:1')],
  ['a type of the prototype', global('__proto__:1')],
  ['a type without an id', global('Purchase:')],
  ['an id without a type', global(':1')],
  ['two colons', global('Purchase:a:b')],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x3a, 0x31]).toString('base64')],
  ['an id within an id', global(global('Account:13209'))],
];
const positions: readonly (readonly [name: string, after: string])[] = [
  ['of no encoding', '!!!'],
  ['of another list', cursor('event:1')],
  ['without a value', cursor('purchase:')],
  ['of nothing', ''],
  ['of a number', '1'],
];
const events: readonly (readonly [name: string, after: string])[] = [
  ['of the future', cursor('event:999999999')],
  ['before the beginning', cursor('event:-1')],
  ['of a float', cursor('event:1.5')],
  ['beyond doubles', cursor('event:99999999999999999999')],
  ['of no number', cursor('event:x')],
  ['of another list', cursor('purchase:1')],
  ['of no encoding', '!!!'],
];

const bySource: readonly HttpCase[] = [
  ...bodies.map(([name, body, answer, source]) => ({
    category: 'bodies',
    name: `a body of ${name}`,
    source,
    body,
    answer,
  })),
  ...ids.flatMap(([name, x]) => [
    {
      category: 'ids',
      name: `node: ${name}`,
      source: 'OWASP IDOR',
      body: { query, variables: { x } },
      answer: '200 null',
    },
    {
      category: 'ids',
      name: `retry: ${name}`,
      source: 'OWASP IDOR',
      body: {
        query:
          'mutation ($x: ID!) { r: retryPurchase(input: { id: $x }) { __typename ... on Problem { type } } }',
        variables: { x },
      },
      answer: '200 Problem NOT_FOUND',
    },
  ]),
  ...positions.map(([name, after]) => ({
    category: 'cursors',
    name: `a page after a cursor ${name}`,
    source: 'Relay, cursor connections',
    body: {
      query: 'query ($after: String) { r: purchases(after: $after) { edges { cursor } } }',
      variables: { after },
    },
    answer: '200 INVALID_INPUT',
  })),
  ...events.map(([name, after]) => ({
    category: 'cursors',
    name: `events after a cursor ${name}`,
    source: 'Relay, cursor connections',
    headers: { accept: 'text/event-stream' },
    body: {
      query: 'subscription ($after: String) { purchaseEvents(after: $after) { cursor } }',
      variables: { after },
    },
    answer: '200 text',
  })),
];

const simple = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
const csrf: readonly HttpCase[] = [
  ...simple.map((contentType) => ({
    category: 'CSRF',
    name: `a mutation as ${contentType}`,
    source: 'PortSwigger, CSRF by GraphQL',
    headers: type(contentType),
    body: ok,
    answer: '415 BAD_REQUEST',
  })),
  ...['application/jsonx', 'application/graphql', 'text/json', 'application/xml', 'x'].map((contentType) => ({
    category: 'CSRF',
    name: `a body as ${contentType}`,
    source: rfc(9110, '15.5.16'),
    headers: type(contentType),
    body: ok,
    answer: contentType === 'application/graphql' ? '400 GRAPHQL_PARSE_FAILED' : '415 text',
  })),
  ...[
    'https://evil.example',
    'null',
    'http://127.0.0.1:1',
    'file://',
    'http://localhost.evil.example',
  ].flatMap((origin) => [
    {
      category: 'CSRF',
      name: `a POST from ${origin}`,
      source: 'OWASP CSRF',
      headers: { origin },
      body: ok,
      answer: '403 text',
    },
    {
      category: 'CSRF',
      name: `a GET from ${origin}`,
      source: 'OWASP CSRF',
      method: 'GET',
      path: get('query=%7B__typename%7D'),
      headers: { origin },
      answer: '403 text',
    },
  ]),
];

const gets: readonly HttpCase[] = (
  [
    ['no query', '', '400 BAD_REQUEST'],
    ['an empty query', 'query=', '400 BAD_REQUEST'],
    [
      'a mutation',
      `query=${encodeURIComponent('mutation { retryPurchase(input: { id: "x" }) { __typename } }')}`,
      '405 BAD_REQUEST',
    ],
    ['variables that are no JSON', 'query=%7B__typename%7D&variables=x', '400 BAD_REQUEST'],
    ['extensions that are no JSON', 'query=%7B__typename%7D&extensions=%7B', '400 BAD_REQUEST'],
    ['variables that are a list', 'query=%7B__typename%7D&variables=%5B%5D', '400 BAD_REQUEST'],
    ['two queries', 'query=%7Br%3A__typename%7D&query=mutation%7Bx%7D', '200 data'],
    ['an encoding that is none', 'query=%7B__typename%7D%ZZ%E0%A4%A', '400 GRAPHQL_PARSE_FAILED'],
    ['a NUL', 'query=%7B__typename%00%7D', '400 GRAPHQL_PARSE_FAILED'],
    ['a prototype', 'query=%7Br%3A__typename%7D&__proto__[x]=1&constructor[prototype][x]=1', '200 data'],
    ['a bomb', `query=${encodeURIComponent(`{${'a:__typename '.repeat(40)}}`)}`, '400 OPERATION_TOO_COMPLEX'],
  ] as const
).map(([name, search, answer]) => ({
  category: 'GET',
  name: `a GET with ${name}`,
  source: 'GraphQL over HTTP, 5.3',
  method: 'GET',
  path: get(search),
  answer,
}));

const paths: readonly HttpCase[] = (
  [
    ['/graphql/../../../etc/passwd', '404 text'],
    ['/graphql/', '404 text'],
    ['/GraphQL', '404 text'],
    ['//graphql', '404 text'],
    ['/graphql%2f', '404 text'],
    ['/%67raphql', '404 text'],
    ['/graphql;jsessionid=1', '404 text'],
    ['/.env', '404 text'],
    ['/.git/config', '404 text'],
    ['/metrics/../health/live', '200 data'],
    ['/console', '404 text'],
    ['/graphiql', '404 text'],
    ['/v1/graphql', '404 text'],
    ['/health', '404 text'],
    ['/health/ready/x', '404 text'],
  ] as const
).map(([path, answer]) => ({
  category: 'paths',
  name: `the path ${path}`,
  source: 'OWASP path traversal; PortSwigger, GraphQL endpoints',
  method: 'GET',
  path,
  answer,
}));

const headers: readonly HttpCase[] = (
  [
    ['an accept that there is not', { accept: 'image/png' }, '406 BAD_REQUEST'],
    ['an accept of hundreds of types', { accept: Array(500).fill('a/b').join() }, '406 BAD_REQUEST'],
    ['an encoding that there is not', { 'content-encoding': 'br' }, '415 BAD_REQUEST'],
    ['a request id of a kilobyte', { 'x-request-id': 'x'.repeat(1_000) }, '200 data'],
    ['a request id with a line', { 'x-request-id': 'a%0d%0ab' }, '200 data'],
    [
      'a forwarded host',
      { 'x-forwarded-host': 'evil.example', forwarded: 'for=x;host=evil.example' },
      '200 data',
    ],
    ['a method in a header', { 'x-http-method-override': 'DELETE' }, '200 data'],
    ['another address in a header', { 'x-original-url': '/admin', 'x-rewrite-url': '/admin' }, '200 data'],
    ['many forwarded addresses', { 'x-forwarded-for': Array(800).fill('1.2.3.4').join() }, '200 data'],
    ['cookies of kilobytes', { cookie: 'a=b; '.repeat(2_000) }, '200 data'],
    ['a range', { range: 'bytes=0-0,1-1,2-2' }, '200 data'],
    ['a language that is none', { 'accept-language': '../../x' }, '200 data'],
  ] as const
).map(([name, sent, answer]) => ({
  category: 'headers',
  name,
  source: 'PortSwigger, host header and web cache attacks',
  headers: sent,
  body: ok,
  answer,
}));

export const requestCases: readonly HttpCase[] = [...bySource, ...csrf, ...gets, ...paths, ...headers];

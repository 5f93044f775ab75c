import { armor, owasp, type HostileCase } from './case.ts';
import type { HttpCase } from './texts.ts';

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');
const complex = '400 OPERATION_TOO_COMPLEX';
const invalid = '400 GRAPHQL_VALIDATION_FAILED';
const unresolved = '400 OPERATION_RESOLUTION_FAILURE';
const syntax = '400 GRAPHQL_PARSE_FAILED';

type Row = readonly [name: string, query: string, answer: string, source: string, variables?: object];

const bombs: readonly Row[] = [
  ['a thousand aliases', `{ ${times(300, (n) => `a${n}: __typename`)} }`, complex, armor],
  [
    'aliases of a page',
    `{ ${times(40, (n) => `a${n}: purchases(first: 1) { edges { cursor } }`)} }`,
    complex,
    owasp,
  ],
  [
    'aliases of a mutation, to guess by',
    `mutation { ${times(40, (n) => `a${n}: retryPurchase(input: { id: "${n}" }) { __typename }`)} }`,
    complex,
    'PortSwigger, bypassing rate limits by aliases',
  ],
  [
    'aliases within a fragment',
    `{ ...F } fragment F on Query { ${times(31, (n) => `a${n}: __typename`)} }`,
    complex,
    armor,
  ],
  [
    'aliases in an operation that is not run',
    `query A { __typename } query B { ${times(31, (n) => `a${n}: __typename`)} }`,
    unresolved,
    armor,
  ],
  ['directives', `{ __typename ${'@include(if: true) '.repeat(100)} }`, complex, 'CVE-2022-37734'],
  ['directives that there are not', `{ __typename ${'@aa '.repeat(300)} }`, complex, 'CVE-2022-37734'],
  ['directives on the operation', `query ${'@aa '.repeat(100)} { __typename }`, complex, armor],
  ['directives on a variable', `query ($a: Int ${'@aa '.repeat(100)}) { __typename }`, complex, armor],
  [
    'the same field a thousand times',
    `{ ${'__typename '.repeat(1_500)} }`,
    complex,
    'graphql-js, overlapping fields',
  ],
  [
    'the same object many times',
    `{ ${'viewer { username } '.repeat(100)} }`,
    complex,
    'graphql-js, overlapping fields',
  ],
  [
    'the same object many times, inline',
    `{ ${'... { viewer { username } } '.repeat(100)} }`,
    complex,
    'CVE-2023-26144',
  ],
  [
    'the same object by many fragments',
    `{ ${times(60, (n) => `...F${n}`)} } ${times(60, (n) => `fragment F${n} on Query { viewer { username } }`)}`,
    complex,
    'CVE-2023-26144',
  ],
  [
    'one fragment spread many times',
    `{ ${'...F '.repeat(300)} } fragment F on Query { __typename }`,
    complex,
    'CVE-2023-26144',
  ],
  [
    'deep',
    `{ purchases { edges { node { ${times(5, () => 'account { purchases(first: 1) { edges { node {')} id ${'} } } }'.repeat(5)} } } } }`,
    complex,
    owasp,
  ],
  [
    'pages of pages',
    '{ purchases(first: 100) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } }',
    complex,
    owasp,
  ],
  [
    'pages of pages of pages, each small',
    `{ purchases(first: 30) { edges { node { account { purchases(first: 30) { edges { node { account { purchases(first: 30) { edges { node { id } } } } } } } } } } } }`,
    complex,
    owasp,
  ],
  [
    'pages by a variable',
    'query ($n: Int) { purchases(first: $n) { edges { node { account { purchases(first: $n) { edges { node { id } } } } } } } }',
    complex,
    owasp,
    { n: 100 },
  ],
  [
    'pages by a variable’s default',
    'query ($n: Int = 100) { purchases(first: $n) { edges { node { account { purchases(first: $n) { edges { node { id } } } } } } } }',
    complex,
    owasp,
  ],
  [
    'pages that are skipped',
    '{ purchases(first: 100) @skip(if: true) { edges { node { account { purchases(first: 100) { edges { node { id } } } } } } } }',
    complex,
    armor,
  ],
  [
    'doubling fragments',
    `{ accounts { ...F0 } } ${times(40, (n) => `fragment F${n} on Account { ...F${n + 1} ...F${n + 1} }`)} fragment F40 on Account { id }`,
    complex,
    'CVE-2023-28867',
  ],
  [
    'tripling fragments, with fields',
    `{ accounts { ...F0 } } ${times(12, (n) => `fragment F${n} on Account { ...F${n + 1} ... { ...F${n + 1} } ... on Node { ...F${n + 1} } }`)} fragment F12 on Account { id }`,
    complex,
    'CVE-2023-28867',
  ],
  [
    'a circle of fragments',
    '{ accounts { ...A } } fragment A on Account { ...B } fragment B on Account { ...A }',
    invalid,
    'CVE-2022-30288',
  ],
  ['a fragment of itself', '{ ...A } fragment A on Query { ...A }', invalid, 'CVE-2022-30288'],
  [
    'a circle through a field',
    '{ purchases { edges { node { ...A } } } } fragment A on Purchase { account { purchases { edges { node { ...A } } } } }',
    invalid,
    'CVE-2022-30288',
  ],
  [
    'the schema’s cycle',
    `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} }'.repeat(6)} } } }`,
    invalid,
    armor,
  ],
  [
    'the schema, by aliases',
    `{ ${times(25, (n) => `s${n}: __schema { types { name fields { name args { name } } } }`)} }`,
    complex,
    owasp,
  ],
  [
    'a type, by aliases',
    `{ ${times(25, (n) => `t${n}: __type(name: "Purchase") { fields { name } }`)} }`,
    complex,
    owasp,
  ],
  [
    'a thousand ids',
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    complex,
    owasp,
    { ids: Array(1_000).fill('QWNjb3VudDox') },
  ],
  [
    'more ids than are allowed',
    'query ($ids: [ID!]!) { r: nodes(ids: $ids) { id } }',
    '200 INVALID_INPUT',
    owasp,
    { ids: Array(101).fill('QWNjb3VudDox') },
  ],
  [
    'a filter of a thousand statuses',
    'query ($f: PurchaseFilter) { purchases(filter: $f) { edges { cursor } } }',
    complex,
    owasp,
    { f: { status: Array(1_000).fill('FAILED') } },
  ],
  [
    'a list within lists',
    `{ nodes(ids: ${'['.repeat(200)}"x"${']'.repeat(200)}) { id } }`,
    invalid,
    'CVE-2023-28867',
  ],
  [
    'an object within objects',
    `{ purchases(filter: ${'{ a: '.repeat(150)}1${' }'.repeat(150)}) { edges { cursor } } }`,
    invalid,
    'CVE-2023-28867',
  ],
  [
    'a type within lists',
    `query ($a: ${'['.repeat(200)}Int${']'.repeat(200)}) { __typename }`,
    invalid,
    'CVE-2023-28867',
  ],
  [
    'a selection within selections',
    `{ ${'a { '.repeat(400)} a ${'} '.repeat(400)}`,
    complex,
    'CVE-2023-28867',
  ],
  ['a selection that is not closed', '{ a '.repeat(300), syntax, 'CVE-2023-28867'],
  ['hundreds of operations', times(150, (n) => `query Q${n} { __typename }`), unresolved, owasp],
  ['hundreds of variables', `query (${times(150, (n) => `$v${n}: Int`)}) { __typename }`, invalid, owasp],
  ['a comment of a hundred kilobytes', `{ __typename } #${'x'.repeat(100_100)}`, '413 BODY_TOO_LARGE', armor],
  ['a comment that fits', `{ r: __typename } #${'x'.repeat(90_000)}`, '200 data', armor],
  ['a string of a hundred kilobytes', `{ r: node(id: "${'x'.repeat(90_000)}") { id } }`, '200 null', armor],
  ['nothing but commas', `{ r: __typename ${','.repeat(50_000)} }`, '200 data', armor],
  ['a name of a hundred kilobytes', `{ r: ${'x'.repeat(90_000)} }`, invalid, armor],
];

const malformed: readonly Row[] = [
  ['nothing', '', syntax, 'GraphQL specification, 2.2'],
  ['blanks', '   ', syntax, 'GraphQL specification, 2.2'],
  ['no document', 'null', syntax, 'GraphQL specification, 2.2'],
  ['an open brace', '{', syntax, 'GraphQL specification, 2.2'],
  ['a string that does not end', '{ a(b: "', syntax, 'GraphQL specification, 2.9.4'],
  ['a block string that does not end', '{ a(b: """', syntax, 'GraphQL specification, 2.9.4'],
  ['an escape that is none', '{ a(b: "\\x41") }', syntax, 'GraphQL specification, 2.9.4'],
  ['an escape of half a pair', '{ r: node(id: "\\ud800") { id } }', syntax, 'GraphQL specification, 2.9.4'],
  [
    'an escape beyond Unicode',
    '{ r: node(id: "\\u{110000}") { id } }',
    syntax,
    'GraphQL specification, 2.9.4',
  ],
  [
    'an escape of NUL',
    '{ r: node(id: "\\u0000") { id } }',
    '400 BAD_REQUEST',
    'GraphQL specification, 2.9.4',
  ],
  ['an escape of a face', '{ r: node(id: "\\u{1F600}") { id } }', '200 null', 'GraphQL specification, 2.9.4'],
  ['a NUL', '{ __typename \0 }', syntax, 'GraphQL specification, 2.1'],
  ['half of a pair', '{ __typename \ud800 }', syntax, 'GraphQL specification, 2.1'],
  ['a mark of the byte order', '\ufeff{ r: __typename }', '200 data', 'GraphQL specification, 2.1.1'],
  ['a homoglyph in a name', '{ __tуpename }', syntax, 'UTS 39'],
  ['right to left in a comment', '{ r: __typename #\u202e }\n}', '200 data', 'CVE-2021-42574'],
  [
    'a number that does not end',
    '{ purchases(first: 1.) { edges { cursor } } }',
    syntax,
    'GraphQL specification, 2.9.2',
  ],
  [
    'a number beyond 32 bits',
    '{ purchases(first: 99999999999) { edges { cursor } } }',
    invalid,
    'GraphQL specification, 3.5.1',
  ],
  [
    'a number of a thousand digits',
    `{ purchases(first: ${'9'.repeat(1_000)}) { edges { cursor } } }`,
    invalid,
    'GraphQL specification, 3.5.1',
  ],
  ['a page of minus one', '{ purchases(first: -1) { edges { cursor } } }', '200 INVALID_INPUT', owasp],
  [
    'a page from both ends',
    '{ purchases(first: 1, last: 1) { edges { cursor } } }',
    '200 INVALID_INPUT',
    owasp,
  ],
  ['a page beyond the limit', '{ purchases(first: 101) { edges { cursor } } }', '200 INVALID_INPUT', owasp],
  ['a field that there is not', '{ passwords }', invalid, owasp],
  ['a field of the engine', '{ _service { sdl } }', invalid, 'PortSwigger, GraphQL endpoints'],
  [
    'a type of the prototype',
    '{ __type(name: "__proto__") { name } r: __type(name: "constructor") { name } }',
    '200 null',
    'PortSwigger, prototype pollution',
  ],
  ['a field of the prototype', '{ __proto__ }', invalid, 'PortSwigger, prototype pollution'],
  [
    'an alias of the prototype',
    '{ __proto__: __typename r: __typename }',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  [
    'an argument of the prototype',
    '{ r: node(__proto__: 1, id: "x") { id } }',
    invalid,
    'PortSwigger, prototype pollution',
  ],
  [
    'a variable of the prototype',
    'query ($__proto__: ID!) { r: node(id: $__proto__) { id } }',
    '400 BAD_USER_INPUT',
    'PortSwigger, prototype pollution',
  ],
  [
    'a fragment of the prototype',
    '{ ...__proto__ } fragment __proto__ on Query { r: __typename }',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  [
    'an operation of the prototype',
    'query constructor { r: __typename }',
    '200 data',
    'PortSwigger, prototype pollution',
  ],
  ['a definition of a type', 'type Query { a: Int }', unresolved, 'GraphQL specification, 5.1.1'],
  [
    'a subscription of two fields',
    'subscription { a: purchaseEvents { cursor } b: purchaseEvents { cursor } }',
    invalid,
    'GraphQL specification, 5.2.4.1',
  ],
  ['a subscription of the schema', 'subscription { __typename }', invalid, 'GraphQL specification, 5.2.4.1'],
  ['stitched by a deferral', '{ ... @defer { __typename } }', invalid, 'GraphQL, incremental delivery'],
  [
    'two kinds of one source',
    'mutation { r: confirmPurchase(input: { idempotencyKey: "x", from: { quoteId: "x", quoteId: "y" } }) { __typename } }',
    invalid,
    'GraphQL specification, 5.6.3',
  ],
  [
    'both sources of a confirm',
    'mutation ($q: ID, $d: PurchaseInput) { r: confirmPurchase(input: { idempotencyKey: "x", from: { quoteId: $q, details: $d } }) { __typename } }',
    invalid,
    'GraphQL, OneOf input objects',
    {},
  ],
];

const asCase =
  (category: string) =>
  ([name, query, answer, source, variables]: Row): HttpCase & HostileCase => ({
    ...{ name, category, source, answer },
    body: { query, ...(variables !== undefined && { variables }) },
  });

export const documentCases: readonly HttpCase[] = [
  ...bombs.map(asCase('bombs')),
  ...malformed.map(asCase('documents')),
];

import { big, owasp, type HostileCase } from './case.ts';

export interface HttpCase extends HostileCase {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is, or as JSON. */
  readonly body?: string | Buffer | object;
}

/** Texts that have harmed somebody somewhere. */
const texts: readonly (readonly [name: string, text: string, category: string, source: string])[] = [
  ['SQL: always true', "' OR '1'='1", 'SQL', 'OWASP SQL injection'],
  ['SQL: a second statement', "'; DROP TABLE purchases; --", 'SQL', 'OWASP SQL injection'],
  ['SQL: union', "x' UNION SELECT content FROM purchases --", 'SQL', 'OWASP SQL injection'],
  ['SQL: it sleeps', "1'; SELECT pg_sleep(10); --", 'SQL', 'PortSwigger, blind SQL injection'],
  ['SQL: a wildcard', '%', 'SQL', 'OWASP SQL injection'],
  ['SQL: quotes of identifiers', '"; DELETE FROM events; --', 'SQL', 'OWASP SQL injection'],
  ['NoSQL: an operator', '{"$gt":""}', 'SQL', 'PortSwigger, NoSQL injection'],
  ['a script', '<script>alert(1)</script>', 'markup', big],
  ['an attribute', '"><img src=x onerror=alert(1)>', 'markup', big],
  ['an entity', '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>', 'markup', 'OWASP XXE'],
  ['a template', '${7*7}{{7*7}}<%= 7*7 %>', 'templates', 'PortSwigger, SSTI'],
  ['a JNDI look-up', '${jndi:ldap://127.0.0.1/a}', 'templates', 'CVE-2021-44228'],
  ['a format', '%s%n%x%p', 'templates', big],
  ['a path upwards', '../../../../etc/passwd', 'paths', 'OWASP path traversal'],
  ['a path, encoded', '..%2f..%2f..%2fetc%2fpasswd', 'paths', 'OWASP path traversal'],
  ['a device', 'CON', 'paths', big],
  ['an address within', 'http://169.254.169.254/latest/meta-data/', 'paths', 'OWASP SSRF'],
  ['a command', '$(touch /tmp/owned)`touch /tmp/owned`', 'commands', 'OWASP command injection'],
  ['a line in the log', 'x\r\n{"level":"error","msg":"forged"}', 'control characters', 'OWASP log injection'],
  ['a header', 'x\r\nset-cookie: a=b', 'control characters', 'OWASP HTTP response splitting'],
  ['an escape of the terminal', '\u001b[2J\u001b]0;owned\u0007', 'control characters', big],
  ['a NUL', 'a\0b', 'NUL and surrogates', big],
  ['half of a pair, the first', '\ud800x', 'NUL and surrogates', big],
  ['half of a pair, the second', 'x\udc00', 'NUL and surrogates', big],
  ['right to left', '\u202e\u0035\u0039\u202c', 'look-alikes', 'CVE-2021-42574'],
  ['a homoglyph', 'ВРС', 'look-alikes', 'UTS 39'],
  ['no width', 'B\u200bP\u200dC\ufeff', 'look-alikes', big],
  ['full width', '０４０４０４０４０４０', 'look-alikes', 'UTS 39'],
  ['eastern digits', '٠٤٠٤٠٤٠٤٠٤٠', 'look-alikes', 'UTS 39'],
  ['composed otherwise', 'e\u0301', 'look-alikes', 'UAX 15'],
  ['marks without end', `a${'\u0301'.repeat(400)}`, 'long', big],
  ['a face of many', '👩‍👩‍👧‍👦', 'look-alikes', big],
  ['long', 'x'.repeat(20_000), 'long', owasp],
  ['the prototype', '__proto__', 'prototypes', 'PortSwigger, prototype pollution'],
  ['the constructor', 'constructor', 'prototypes', 'PortSwigger, prototype pollution'],
  ['nothing', '', 'numbers and blanks', big],
  ['blanks', ' \t ', 'numbers and blanks', big],
  ['no number', '(NaN)', 'numbers and blanks', big],
  ['without end', '-Infinity', 'numbers and blanks', big],
  ['beyond a double', '1e309', 'numbers and blanks', big],
  ['hexadecimal', '0x7fffffffffffffff', 'numbers and blanks', big],
  ['beyond 64 bits', '9'.repeat(40), 'numbers and blanks', big],
  ['minus nought', '-0', 'numbers and blanks', big],
];

const details = {
  productType: 'ELECTRICITY',
  providerCode: 'BPC',
  accountId: Buffer.from('Account:13209').toString('base64'),
  subscriberIdentifier: '04040404040',
  beneficiaryPhoneNumber: '+26771436390',
  amount: { amount: '100.00', currency: 'BWP' },
};
const VALIDATE =
  'mutation ($input: PurchaseInput!) { r: validatePurchase(input: $input) { __typename ... on Problem { type } } }';
const CONFIRM =
  'mutation ($input: ConfirmPurchaseInput!) { r: confirmPurchase(input: $input) { __typename ... on Problem { type } } }';
const RETRY =
  'mutation ($input: RetryPurchaseInput!) { r: retryPurchase(input: $input) { __typename ... on Problem { type } } }';

interface Place {
  readonly query: string;
  readonly variables: (text: string) => object;
  readonly answer: string;
  /** Where a text is good for this place after all. */
  readonly except?: Readonly<Record<string, string>>;
}

const read = (argument: string, answer = '200 null'): Place => ({
  query: `query ($x: ${argument.includes('ById') ? 'ID' : 'String'}!) { r: ${argument.replace('ById', '')} { __typename } }`,
  variables: (x) => ({ x }),
  answer,
});
const wrong = '200 Problem INVALID_INPUT';
const validate = (change: (text: string) => object, except: Place['except'] = {}): Place => ({
  query: VALIDATE,
  variables: (text) => ({ input: { ...details, ...change(text) } }),
  answer: wrong,
  except,
});

/** Every text argument of the schema. */
const places: Readonly<Record<string, Place>> = {
  'purchase(by.reference)': read('purchase(by: { reference: $x })'),
  'purchase(by.idempotencyKey)': read('purchase(by: { idempotencyKey: $x })'),
  'purchase(by.id)': read('purchaseById(by: { id: $x })'),
  'account(id)': read('accountById(id: $x)'),
  'node(id)': read('nodeById(id: $x)'),
  'nodes(ids)': {
    query: 'query ($x: [ID!]!) { r: nodes(ids: $x) { __typename } }',
    variables: (x) => ({ x: [x] }),
    answer: '200 data',
  },
  'purchases(filter.subscriberIdentifier)': {
    query: 'query ($x: String) { r: purchases(filter: { subscriberIdentifier: $x }) { edges { cursor } } }',
    variables: (x) => ({ x }),
    answer: '200 empty',
  },
  'purchases(filter.accountId)': {
    query: 'query ($x: ID) { r: purchases(filter: { accountId: $x }) { edges { cursor } } }',
    variables: (x) => ({ x }),
    answer: '200 INVALID_INPUT',
  },
  'purchases(filter.createdAfter)': {
    query: 'query ($x: DateTime) { r: purchases(filter: { createdAfter: $x }) { edges { cursor } } }',
    variables: (x) => ({ x }),
    answer: '400 BAD_USER_INPUT',
  },
  'purchases(after)': {
    query: 'query ($x: String) { r: purchases(after: $x) { edges { cursor } } }',
    variables: (x) => ({ x }),
    answer: '200 INVALID_INPUT',
  },
  'purchases(before)': {
    query: 'query ($x: String) { r: purchases(last: 2, before: $x) { edges { cursor } } }',
    variables: (x) => ({ x }),
    answer: '200 INVALID_INPUT',
  },
  'checkSubscriberId(value)': {
    query: 'query ($x: String!) { r: products(type: ELECTRICITY) { checkSubscriberId(value: $x) } }',
    variables: (x) => ({ x }),
    answer: '200 data',
  },
  'confirm: idempotencyKey': {
    query: CONFIRM,
    variables: (x) => ({ input: { idempotencyKey: x, from: { quoteId: 'none' } } }),
    answer: wrong,
  },
  'confirm: quoteId': {
    query: CONFIRM,
    variables: (x) => ({ input: { idempotencyKey: 'hostile', from: { quoteId: x } } }),
    answer: wrong,
  },
  'retry: id': {
    query: RETRY,
    variables: (x) => ({ input: { id: x } }),
    answer: '200 Problem NOT_FOUND',
  },
  'validate: accountId': validate((accountId) => ({ accountId })),
  'validate: providerCode': validate((providerCode) => ({ providerCode })),
  'validate: subscriberIdentifier': validate((subscriberIdentifier) => ({ subscriberIdentifier })),
  'validate: beneficiaryPhoneNumber': validate((beneficiaryPhoneNumber) => ({ beneficiaryPhoneNumber })),
  'validate: amount': validate((amount) => ({ amount: { amount, currency: 'BWP' } })),
  'validate: currency': validate((currency) => ({ amount: { amount: '100.00', currency } })),
  'validate: language': validate((language) => ({ language }), {
    'a device': '200 Quote',
    'the constructor': '200 Problem INVALID_INPUT',
  }),
  'validate: comment': {
    ...validate((comment) => ({ comment })),
    answer: '200 Quote',
    except: { long: wrong, 'marks without end': wrong },
  },
};

/** Each text in each place. */
export const textCases: readonly HttpCase[] = Object.entries(places).flatMap(
  ([place, { query, variables, answer, except }]) =>
    texts.map(([name, text, category, source]) => ({
      name: `${name}, in ${place}`,
      category,
      source,
      answer: category === 'NUL and surrogates' ? '400 BAD_REQUEST' : (except?.[name] ?? answer),
      body: { query, variables: variables(text) },
    })),
);

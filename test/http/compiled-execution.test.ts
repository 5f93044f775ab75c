import fc from 'fast-check';
import {
  buildSchema,
  execute,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  parse,
  print,
  printSchema,
  validate,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';

import { compile, compiling, executeCompiled } from '../../src/http/compiled-execution.ts';
import { documentCache } from '../../src/http/document-cache.ts';
import { schema } from '../../src/schema/index.ts';
import { operation } from '../hostile/fuzz/operations.ts';
import { keptOf, longName } from '../support/memory.ts';

/** A number that looks like chance and is the same for the same text. */
function lotOf(text: string): number {
  let hash = 2_166_136_261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
  return (hash ^ (hash >>> 13)) >>> 0;
}

const placeOf = ({ path }: GraphQLResolveInfo): string => {
  const keys: (string | number)[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = path; at !== undefined; at = at.prev)
    keys.unshift(at.key);
  return keys.join('.');
};

const withinList = (place: string) => /\.\d/.test(place);

/** The compiled code has the arguments that stand in the document first. */
const inOrder = (_key: string, value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

const values: Readonly<Record<string, unknown>> = { Int: 7, Boolean: true, Float: 1.5 };

/** Our schema, answered by chance: values, nulls where none may be, wrong types, throws and rejections, now and later. */
function wild(): GraphQLSchema {
  const made = buildSchema(printSchema(schema));
  const valueAt = (type: GraphQLOutputType, place: string, wrong = true): unknown => {
    const lot = 4 * Number(!wrong) + (lotOf(place) % 40);
    if (lot === 0) return null;
    if (lot === 1) return undefined;
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      if (lot === 2) return 'no list';
      // Items that are right and there at once: of a promise that is rejected graphql-jit 0.8 makes two nulls, and when one
      // item fails at once graphql-js forgets what is under way in the others. Our resolvers answer lists whole.
      return Array.from({ length: lot % 4 }, (_, n) => valueAt(nullable.ofType, `${place}.${n}`, false));
    }
    const named = getNamedType(type);
    if (isEnumType(named))
      return lot === 3 ? 'NONE_OF_THEM' : named.getValues()[lot % named.getValues().length]?.value;
    if (isLeafType(named)) return lot === 3 ? {} : (values[named.name] ?? `text of ${place}`);
    const possible = isAbstractType(named) ? made.getPossibleTypes(named) : [];
    return { __typename: possible[lot % Math.max(1, possible.length)]?.name ?? named.name };
  };
  const later = (place: string, make: () => unknown): unknown => {
    const lot = lotOf(`${place} when`) % 20;
    const reject = () => Promise.reject(new Error(`rejected at ${place}`));
    // Within a list always later, likewise.
    if (lot < 10 && !withinList(place)) return lot === 0 ? reject() : make();
    return Promise.resolve().then(lot === 10 ? reject : make);
  };
  for (const type of Object.values(made.getTypeMap())) {
    if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (_source, args: object, context: string, info) => {
        const place = `${context} ${placeOf(info)} ${JSON.stringify(args, inOrder)}`;
        if (lotOf(`${place} throws`) % 30 === 0 && !withinList(place))
          throw new Error(`thrown at ${placeOf(info)}`);
        return later(place, () => valueAt(field.type, place));
      };
    }
  }
  return made;
}

/** How much of the path is there in the data. */
function depthIn(data: unknown, path: readonly (string | number)[]): number {
  if (data === null) return 0;
  const at = path.findIndex((key) => {
    data = typeof data === 'object' && data !== null ? Reflect.get(data, key) : null;
    return data === null;
  });
  return at < 0 ? path.length : at + 1;
}

/**
 * The data, byte for byte, and the errors, of which it is a matter of timing which comes first, and which of several is
 * told where they have made something around them null.
 */
function told({ data, errors = [], ...more }: ExecutionResult): string {
  const said = errors.map((error) => {
    const path = error.path ?? [];
    const depth = depthIn(data, path);
    if (depth < path.length) return `within ${path.slice(0, depth).join('.')}`;
    // Of values that are of no type each engine speaks in its own words; our resolvers give none.
    const { message, ...place } = error.toJSON();
    return JSON.stringify(/^(thrown|rejected) at /.test(message) ? { message, ...place } : place);
  });
  return JSON.stringify({ data, errors: [...new Set(said)].sort(), ...more }, undefined, 1);
}

/** Tells what each resolver is given. */
const telling = buildSchema(`
  type Query { number(n: Int!): String input(of: Input): String list(of: [String!]): String either(of: Either): String }
  input Input { text: String! size: Int = 3 all: [String!] }
  input Either @oneOf { a: String b: String }
`);
for (const field of Object.values(telling.getQueryType()?.getFields() ?? {}))
  field.resolve = (_source, args) => JSON.stringify(args);

const wildSchema = wild();

/** As it is executed from its fourth time on; whether that is by compiled code. */
async function compare(args: ExecutionArgs): Promise<boolean> {
  const compiled = compile(args);
  if (compiled === undefined) return false;
  expect(told(await executeCompiled(compiled, args)), print(args.document)).toBe(told(await execute(args)));
  return true;
}

/** What there is in operations of which the two engines could make something else. */
const oddities: readonly (readonly [
  string,
  (query: string, variables: Record<string, unknown>) => boolean,
])[] = [
  ['a variable that may not be null, with a default', (query) => query.includes('$sure')],
  ['a variable within a value', (query) => query.includes('$inner')],
  ['a directive', (query) => query.includes('@skip')],
  ['a variable with a default', (query) => /\$v\d+: [^,:]* = /.test(query)],
  [
    'a variable that is not given',
    (query, given) =>
      [...query.matchAll(/\$(v\d+): [\w![\]]+[,)]/g)].some(([, name]) => !Object.hasOwn(given, name ?? '')),
  ],
  ['a null', (_query, given) => Object.values(given).includes(null)],
  [
    'a null for a default',
    (query, given) =>
      [...query.matchAll(/\$(v\d+): [^,:]* = /g)].some(([, name]) => given[name ?? ''] === null),
  ],
];
/** Those that are left to graphql-js. */
const left = 3;

describe('an operation that is compiled', () => {
  it('is answered as graphql-js answers it, whatever is answered, thrown or null, in the same order', async () => {
    const seen = oddities.map(() => 0);
    let compiledCount = 0;
    await fc.assert(
      fc.asyncProperty(operation, fc.string(), async ({ query, variables }, seed) => {
        const document = parse(query.replaceAll(' @include(if: true)', ''));
        if (query.startsWith('subscription') || validate(wildSchema, document).length > 0) return;
        const has = oddities.map(([, isIn]) => isIn(query, variables));
        has.forEach((isThere, n) => void (seen[n] = (seen[n] ?? 0) + Number(isThere)));
        const isCompiled = await compare({
          ...{ schema: wildSchema, document, variableValues: variables, contextValue: seed },
        });
        expect(isCompiled, query).toBe(!has.slice(0, left).includes(true));
        if (isCompiled) compiledCount += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(compiledCount).toBeGreaterThan(150);
    for (const [n, [what]] of oddities.entries()) expect(seen[n], what).toBeGreaterThan(5);
  }, 120_000);

  it.each<[string, string, Record<string, unknown>]>([
    ['a default where no null may be', 'query ($n: Int! = 7) { number(n: $n) }', {}],
    ['a null for such a one', 'query ($n: Int! = 7) { number(n: $n) }', { n: null }],
    ['a null for a default', 'query ($n: Int = 7) { number(n: $n) }', { n: null }],
    ['a null within an input', 'query ($t: String = "x") { input(of: { text: $t }) }', { t: null }],
    ['a null within a list', 'query ($t: String = "x") { list(of: [$t]) }', { t: null }],
    ['nothing in place of a default', 'query ($s: Int) { input(of: { text: "x", size: $s }) }', {}],
    ['nothing for exactly one', 'query ($a: String) { either(of: { a: $a }) }', {}],
    ['a null for exactly one', 'query ($a: String) { either(of: { a: $a }) }', { a: null }],
    [
      'nothing within a list within an input',
      'query ($t: String) { input(of: { text: "x", all: [$t] }) }',
      {},
    ],
  ])(
    'reads its variables as graphql-js does, however often it comes: %s',
    async (_what, query, variables) => {
      const run = compiling();
      const args = { schema: telling, document: parse(query), variableValues: variables };
      const alone = JSON.stringify(await execute(args));
      for (let time = 0; time < 6; time += 1) expect(JSON.stringify(await run(args))).toBe(alone);
    },
  );

  // graphql-jit asks it without a context, and what it throws then ends the process.
  it('tells of what type something is by the thing alone', () => {
    const asked = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && type.isTypeOf ? [type.isTypeOf] : [],
    );
    expect(asked.length).toBeGreaterThan(2);
    for (const isTypeOf of asked) expect(isTypeOf.length).toBeLessThanOrEqual(1);
  });
});

it('of a document nothing is kept by the names that clients ask for', async () => {
  const run = compiling();
  const document = parse('query One { __typename } query Two { __typename }');
  const kept = await keptOf(async () => {
    for (let n = 0; n < 400; n += 1) {
      const { errors } = await run({ schema: wildSchema, document, operationName: longName(n) });
      expect(errors).toHaveLength(1);
    }
  });
  expect(kept).toBeLessThan(12_000_000);
  // Until here it is held.
  expect(await run({ schema: wildSchema, document, operationName: 'Two' })).toEqual({
    data: { __typename: 'Query' },
  });
});

describe('the documents that are remembered', () => {
  const remembered = (texts: readonly string[]) => {
    const { documentCache: cache } = documentCache();
    for (const text of texts) cache?.set(text, parse(text));
    return texts.filter((text) => cache?.get(text) !== undefined);
  };
  const named = (count: number, fields: string) =>
    Array.from({ length: count }, (_, n) => `query Q${n} { accounts { ${fields} } }`);

  it('are a thousand short ones', () => {
    const texts = named(1_000, 'id name category currency balance { amount currency }');
    expect(remembered(texts)).toHaveLength(1_000);
  });

  it('are the latest, and no more than 64,000 tokens, be they few and long', () => {
    const texts = named(80, 'id '.repeat(1_000));
    const kept = remembered(texts);
    expect(kept).toStrictEqual(texts.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(40);
    expect(kept.length).toBeLessThanOrEqual(64);
  });

  it('are no more than a million characters, however much of them is no token', () => {
    const kept = remembered(named(80, `id${' '.repeat(50_000)}`));
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.join('').length).toBeLessThanOrEqual(1_024_000);
  });

  it('are none that are full of comments, which stay in the syntax tree', () => {
    expect(remembered([`{ accounts { id } } ${'#\n'.repeat(4_000)}`])).toStrictEqual([]);
  });

  it('are none that are long with each fragment as often as it is spread', () => {
    const times = (count: number, field: string) =>
      Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(' ');
    const nested = (count: number) =>
      `{ ${times(count, 'viewer { ...V }')} }
       fragment V on Viewer { ${times(count, 'accounts { ...A }')} }
       fragment A on Account { ${'id '.repeat(30)} }`;
    expect(remembered([nested(3)])).toHaveLength(1);
    expect(remembered([nested(15)])).toStrictEqual([]);
  });

  it('may hold a ring of fragments, for validation to refuse', () => {
    const ring = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...A }';
    expect(remembered([ring])).toHaveLength(1);
  });
});

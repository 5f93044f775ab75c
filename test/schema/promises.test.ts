import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';

import { datedChangelog } from '../../scripts/changelog.ts';
import { versionFault } from '../../scripts/next-version.ts';
import { schemaChanges } from '../../scripts/schema-changes.ts';
import { schema } from '../../src/schema/index.ts';

const released = readFileSync('schema.released.graphql', 'utf8');

interface Member {
  readonly name: string;
  readonly deprecationReason?: string | null | undefined;
  readonly args?: readonly Member[];
}

/** Everything that can be deprecated, by its coordinate. */
function* membersOf(of: GraphQLSchema): Generator<readonly [at: string, reason: string | null | undefined]> {
  for (const type of Object.values(of.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    let members: readonly Member[] = [];
    if (isEnumType(type)) members = type.getValues();
    if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type))
      members = Object.values(type.getFields());
    for (const { name, deprecationReason, args = [] } of members) {
      yield [`${type.name}.${name}`, deprecationReason];
      for (const arg of args) yield [`${type.name}.${name}(${arg.name}:)`, arg.deprecationReason];
    }
  }
}

/** Deprecations that do not say what to use instead: each begins with "Use `Type.field`" of something that stays. */
function poorDeprecations(of: GraphQLSchema): string[] {
  const members = new Map(membersOf(of));
  return [...members].flatMap(([at, reason]) => {
    if (reason === undefined || reason === null) return [];
    const instead = /^Use `([^`]+)`/.exec(reason)?.[1];
    const stays = instead !== undefined && members.has(instead) && (members.get(instead) ?? null) === null;
    return stays && reason.endsWith('.') ? [] : [at];
  });
}

const before = `
  type Query { price: Int @deprecated(reason: "Use \`Query.amount\`: it is exact.") amount(unit: Unit): String kind: Kind }
  enum Unit { PULA THEBE }
  enum Kind { NEW OLD @deprecated(reason: "Use \`Kind.NEW\`.") }`;
const changed = (change: (text: string) => string) =>
  schemaChanges(buildSchema(before), buildSchema(change(before)));

describe('the schema', () => {
  it('breaks nothing of the last release', async () => {
    const { broken } = await schemaChanges(buildSchema(released), schema);
    expect(broken).toEqual([]);
  });

  it('says of everything deprecated what to use instead', () => {
    expect([...membersOf(schema)].length).toBeGreaterThan(150);
    expect(poorDeprecations(schema)).toEqual([]);
  });
});

describe('a change of the schema', () => {
  it.each([
    ['a field that is gone', (text: string) => text.replace('amount(unit: Unit): String', '')],
    ['an argument that is gone', (text: string) => text.replace('(unit: Unit)', '')],
    ['an argument that becomes required', (text: string) => text.replace('unit: Unit', 'unit: Unit!')],
    ['another type', (text: string) => text.replace('(unit: Unit): String', '(unit: Unit): Int')],
    ['a value that is gone', (text: string) => text.replace('PULA THEBE', 'PULA')],
  ])('that is %s breaks', async (_, change) => {
    expect((await changed(change)).broken).toHaveLength(1);
  });

  it('that takes away what was deprecated does not', async () => {
    const { broken, removed } = await changed((text) => text.replace(/price: .*?\) (?=amount)/, ''));
    expect(broken).toEqual([]);
    expect(removed).toEqual(["Field 'price' (deprecated) was removed from object type 'Query'"]);
  });

  it('wants a version that tells of it', async () => {
    const nothing = await changed((text) => text);
    const more = await changed((text) => text.replace('PULA', 'PULA RAND'));
    const less = await changed((text) => text.replace(/price: .*?\) (?=amount)/, ''));
    const allowed = (from: string, changes: typeof nothing) =>
      ['1.2.4', '1.3.0', '2.0.0', '0.3.4', '0.4.0'].filter(
        (to) => versionFault(from, to, changes) === undefined,
      );
    expect(allowed('1.2.3', nothing)).toEqual(['1.2.4', '1.3.0', '2.0.0']);
    expect(allowed('1.2.3', more)).toEqual(['1.3.0', '2.0.0']);
    expect(allowed('1.2.3', less)).toEqual(['2.0.0']);
    expect(versionFault('0.3.3', '0.3.4', less)).toMatch(/wants a minor version: Field 'price'/);
    expect(versionFault('0.3.3', '0.4.0', less)).toBeUndefined();
  });

  it.each(['', '(reason: "Old.")', '(reason: "Use `Query.nothing`.")', '(reason: "Use `Kind.OLD`.")'])(
    'that deprecates with %j is noticed',
    (reason) => {
      const text = before.replace('kind: Kind', `kind: Kind @deprecated${reason}`);
      expect(poorDeprecations(buildSchema(before))).toEqual([]);
      expect(poorDeprecations(buildSchema(text))).toEqual(['Query.kind']);
    },
  );
});

describe('the changelog', () => {
  it('has its news under the version that brings them, and no version without news', () => {
    const text = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Water.\n\n## [0.1.0] - 2026-01-01\n';
    const dated = datedChangelog(text, '0.2.0', '2026-02-03');
    expect(dated).toContain('## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Added\n\n- Water.\n');
    expect(() => datedChangelog(dated, '0.3.0', '2026-02-04')).toThrow(/nothing of what is new/);
  });

  it('tells of the version that this is', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(readFileSync('CHANGELOG.md', 'utf8')).toContain(`\n## [${version}] - `);
  });

  it('goes with a schema that is the one of the last tag, where the clone has one', () => {
    const tags = execFileSync('git', ['tag', '--list', 'v*', '--sort=-version:refname'], {
      encoding: 'utf8',
    });
    const last = tags.split('\n')[0];
    if (last === undefined || last === '') return;
    expect(execFileSync('git', ['show', `${last}:schema.graphql`], { encoding: 'utf8' })).toBe(released);
  });
});

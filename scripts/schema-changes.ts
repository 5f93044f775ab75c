import { CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core';
import type { GraphQLSchema } from 'graphql';

export interface SchemaChanges {
  /** What breaks a client that nobody warned: taken away or changed without having been deprecated in the release. */
  readonly broken: readonly string[];
  /** What the release had deprecated, and is gone. */
  readonly removed: readonly string[];
  readonly others: readonly string[];
}

/** How the schema differs from that of a release, each change in a sentence. */
export async function schemaChanges(released: GraphQLSchema, now: GraphQLSchema): Promise<SchemaChanges> {
  const of = (changes: Awaited<ReturnType<typeof diff>>, breaking: boolean) =>
    changes
      .filter(({ criticality }) => (criticality.level === CriticalityLevel.Breaking) === breaking)
      .map(({ message }) => message);
  const all = await diff(released, now);
  const broken = of(await diff(released, now, [DiffRule.suppressRemovalOfDeprecatedField]), true);
  return {
    broken,
    removed: of(all, true).filter((message) => !broken.includes(message)),
    others: of(all, false),
  };
}

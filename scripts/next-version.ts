import { diff, lt, major, type ReleaseType } from 'semver';

import type { SchemaChanges } from './schema-changes.ts';

/** Why the schema's changes want another version than this one; undefined when it will do. Before 1.0.0 a minor version is as a major one. */
export function versionFault(from: string, to: string, changes: SchemaChanges): string | undefined {
  if (!lt(from, to)) return `${to} does not come after ${from}`;
  const released = major(from) === 0 ? 'minor' : 'major';
  const [wanted, because]: [ReleaseType, readonly string[]] =
    changes.removed.length > 0 ? [released, changes.removed] : ['minor', changes.others];
  if (because.length === 0) return undefined;
  const step = diff(from, to);
  const enough = wanted === 'major' ? ['major'] : ['major', 'minor'];
  if (step !== null && enough.includes(step)) return undefined;
  return `the schema wants a ${wanted} version: ${because.join('; ')}`;
}

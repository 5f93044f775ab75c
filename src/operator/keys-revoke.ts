import type { Command } from 'commander';

import { idIn } from '../auth/api-key.ts';
import type { ApiKey } from '../auth/key-store.ts';
import { describeKey, isLive, keyFacts } from './describe-key.ts';
import { json } from './describe.ts';
import { Refusal, withKeys, type Surroundings } from './run.ts';
import { facts } from './table.ts';

export function addRevokeKey(program: Command, { env, terminal, now }: Surroundings): void {
  program
    .command('revoke')
    .description('refuse a key from now on, for good; its sockets and streams are closed within seconds')
    .argument('<key>', 'its id (sp_…), or the name if only one valid key has it')
    .option('--json', 'print one JSON document')
    .action(async (given: string, options: { json?: true }) => {
      const revoked = await withKeys(env, async (keys) => {
        const unreadable = new Set<string>();
        const all = await keys.all((id) => unreadable.add(id));
        const at = now();
        const revoke = async (id: string) => {
          if (!(await keys.revoke(id, at))) throw new Refusal(`sp_${id} has been revoked already.`);
        };
        const id = idIn(given);
        if (id !== undefined && unreadable.has(id)) {
          await revoke(id);
          return id;
        }
        const key = keyNamed(given, all, at);
        await revoke(key.id);
        return { ...key, revokedAt: at };
      });
      if (typeof revoked === 'string') {
        const id = `sp_${revoked}`;
        terminal.out(
          options.json === true ? json({ id }) : `${id}, of which no more can be read: revoked.\n`,
        );
        return;
      }
      terminal.out(
        options.json === true
          ? json(describeKey(revoked, now()))
          : `${facts(keyFacts(revoked, now()))}\n\nRevoked.\n`,
      );
    });
}

function keyNamed(given: string, all: readonly ApiKey[], now: Date): ApiKey {
  // Whoever finds a key where none should be has the whole of it; it is not said back.
  const id = idIn(given);
  const known = all.find((key) => key.id === id);
  if (known !== undefined) return known;
  const named = all.filter((key) => key.name === given && isLive(key, now));
  const [one, ...others] = named;
  if (one !== undefined && others.length === 0) return one;
  if (one !== undefined)
    throw new Refusal(
      `Several valid keys have this name. Give the id of one: ${named.map((key) => `sp_${key.id}`).join(', ')}`,
    );
  throw new Refusal(
    id === undefined
      ? 'There is no valid key of this name; `list --all` shows those that were. Is DATABASE_URL the right record?'
      : `There is no key sp_${id}. Is DATABASE_URL the right record?`,
  );
}

import { Command } from 'commander';

import { addCreateKey } from './keys-create.ts';
import { addListKeys } from './keys-list.ts';
import { addRevokeKey } from './keys-revoke.ts';
import { prepared, run, type Surroundings } from './run.ts';

/** `scratchpower-graphql keys …`: who may call with AUTH_MODE=api-key; beside the gateways or without one. */
export async function keysCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const program = prepared(new Command('keys'), surroundings).description(
    'Create, list and revoke the API keys of servers (AUTH_MODE=api-key).\nWorks on the record that DATABASE_URL names, beside running gateways or without one; they follow within seconds.',
  );
  addCreateKey(program, surroundings);
  addListKeys(program, surroundings);
  addRevokeKey(program, surroundings);
  return run(program, argv, surroundings);
}

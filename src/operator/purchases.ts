import { Command } from 'commander';

import { addAudit } from './audit.ts';
import { addRetry, addSettle } from './decide.ts';
import { addList } from './list.ts';
import { prepared, run, type Surroundings } from './run.ts';
import { addShow } from './show.ts';
import { addStatement } from './statement.ts';

/** `scratchpower-graphql purchases …`: what a person does with the record, beside its gateway or without one. */
export async function purchasesCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const program = prepared(new Command('purchases'), surroundings).description(
    'Look at purchases, and settle those whose outcome the gateway cannot find out.\nWorks on the record that DATABASE_URL names, beside a running gateway or without one.',
  );
  addList(program, surroundings);
  addShow(program, surroundings);
  addSettle(program, surroundings);
  addRetry(program, surroundings);
  addStatement(program, surroundings);
  addAudit(program, surroundings);
  return run(program, argv, surroundings);
}

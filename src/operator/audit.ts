import type { Command } from 'commander';

import type { AuditEntry, Journal } from '../purchases/journal.ts';
import { json } from './describe.ts';
import { findPurchase } from './find.ts';
import { aLimit } from './list.ts';
import { maskOf } from './mask.ts';
import { integrationOption, withJournals, type Surroundings } from './run.ts';
import { table } from './table.ts';
import { shown } from './zone.ts';

interface AuditOptions {
  integration?: string;
  limit: number;
  json?: true;
}

export function addAudit(program: Command, { env, terminal }: Surroundings): void {
  program
    .command('audit')
    .description('who confirmed, retried, settled, asked again and was shown secrets; the newest first')
    .argument(
      '[purchase]',
      'only of this one: its id, its opaque GraphQL id, its reference or its idempotency key',
    )
    .addOption(integrationOption())
    .option('--limit <n>', 'at most so many of each integration', aLimit, 50)
    .option('--json', 'print one JSON document')
    .action(async (name: string | undefined, options: AuditOptions) => {
      const entries = await withJournals(env, options.integration, (journals) =>
        entriesOf(journals, name, options.limit),
      );
      if (options.json === true) {
        terminal.out(json({ entries }));
        return;
      }
      const head = ['at', 'integration', 'what', 'by', 'name', 'purchase', 'reason'];
      const rows = entries.map((one) => [
        ...[shown(one.at), one.integration, one.action, one.actor, one.name, one.reference, one.reason ?? ''],
      ]);
      if (rows.length > 0) terminal.out(`${table(head, rows)}\n\n`);
      terminal.out(`${rows.length} ${rows.length === 1 ? 'entry' : 'entries'}.\n`);
    });
}

interface Entry extends AuditEntry {
  readonly integration: string;
  readonly reference: string;
}

async function entriesOf(
  journals: readonly Journal[],
  name: string | undefined,
  limit: number,
): Promise<readonly Entry[]> {
  const found = name === undefined ? undefined : await findPurchase(journals, name);
  const entries: Entry[] = [];
  for (const journal of found === undefined ? journals : [found.journal]) {
    const trail = await journal.auditTrail({ limit, purchaseId: found?.purchase.id });
    const purchases = await journal.purchases(trail.map(({ purchaseId }) => purchaseId));
    const known = new Map(purchases.map((purchase) => [purchase.id, purchase]));
    for (const { id: _, ...entry } of trail) {
      const purchase = known.get(entry.purchaseId);
      // A person may have typed a token as the reason.
      const reason = entry.reason === null || purchase === undefined ? null : maskOf(purchase)(entry.reason);
      entries.push({
        ...entry,
        integration: journal.integration,
        reference: purchase?.reference ?? '',
        reason,
      });
    }
  }
  return entries.sort((one, other) => other.at.getTime() - one.at.getTime());
}

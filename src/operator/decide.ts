import { Option, type Command } from 'commander';

import { mayLandMsOf } from '../config.ts';
import {
  askedAgainByHand,
  MAX_REASON_LENGTH,
  mayLandUntil,
  readByHand,
  readFinding,
  settledByHand,
  whyNotByHand,
  type Finding,
  type FindingInput,
} from '../purchases/by-hand.ts';
import type { Ended, Journal, PurchaseChange } from '../purchases/journal.ts';
import type { ByHand, Purchase } from '../purchases/purchase.ts';
import { describePurchase, json, moneyOf } from './describe.ts';
import { findPurchase, type Found } from './find.ts';
import { maskOf } from './mask.ts';
import { osUser } from './reveal.ts';
import { integrationOption, Refusal, refuseIfWrong, withJournals, type Surroundings } from './run.ts';
import { facts } from './table.ts';
import { printable } from './terminal.ts';

interface DecisionOptions {
  integration?: string;
  reason: string;
  author?: string;
  yes?: true;
  json?: true;
}

interface SettleOptions extends DecisionOptions {
  as: 'succeeded' | 'failed';
  token?: string[];
  keyChange?: string[];
  anyLength?: true;
  receipt?: string;
  upstreamReference?: string;
  total?: string;
}

const names = {
  keyChange: '--key-change',
  receiptNumber: '--receipt',
  upstreamReference: '--upstream-reference',
};
const collect = (one: string, others: string[] = []) => [...others, one];

export function addSettle(program: Command, surroundings: Surroundings): void {
  signed(program.command('settle'))
    .description('settle a purchase whose outcome the gateway cannot find out; for good')
    .addOption(
      new Option('--as <outcome>', 'what ScratchPower’s ledger says became of it')
        .choices(['succeeded', 'failed'])
        .makeOptionMandatory(),
    )
    .option('--token <digits>', 'the token, in groups or not; once for each', collect)
    .option('--key-change <digits>', 'a key-change token, which is keyed in before; once for each', collect)
    .option('--any-length', 'take tokens that have not twenty digits')
    .option('--receipt <number>', 'the provider’s receipt')
    .option('--upstream-reference <reference>', 'ScratchPower’s reference')
    .option('--total <amount>', 'what was debited, such as 102.50')
    .addHelpText(
      'after',
      `
Lay the purchase beside ScratchPower's ledger first. A purchase that SUCCEEDED never changes again; one that FAILED so
can never be charged later. Refused while a call to ScratchPower about it is under way, and FAILED also for as long as one
whose answer was lost may still be processed.

  scratchpower-graphql purchases settle GW-… --as succeeded --token "1234 5678 9012 3456 7890" --reason "ScratchPower ticket 4711"
  scratchpower-graphql purchases settle GW-… --as failed --reason "not in the ledger of 1 March, ticket 4711"`,
    )
    .action((name: string, options: SettleOptions) => {
      const typed: FindingInput = {
        status: options.as === 'succeeded' ? 'SUCCEEDED' : 'FAILED',
        keyChangeTokens: options.keyChange ?? [],
        tokens: options.token ?? [],
        anyLength: options.anyLength ?? false,
        receiptNumber: options.receipt ?? null,
        upstreamReference: options.upstreamReference ?? null,
        total: options.total ?? null,
      };
      return decide(name, options, surroundings, ({ order }) => {
        const { finding, wrong } = readFinding(order, typed);
        refuseIfWrong(wrong, names);
        const mayLandMs = mayLandMsOf(surroundings.env);
        return {
          facts: findingFacts(finding),
          whyNot: (purchase, attempts) => {
            if (finding.status === 'SUCCEEDED') return null;
            const until = mayLandUntil(attempts, mayLandMs, surroundings.now());
            return until && whyNotYet(purchase, until);
          },
          change: (purchase) => settledByHand(purchase, finding, surroundings.now()),
        };
      });
    });
}

export function addRetry(program: Command, surroundings: Surroundings): void {
  signed(program.command('retry'))
    .description('have the gateway ask ScratchPower at once what became of a purchase')
    .addHelpText(
      'after',
      `
Sends nothing itself: the purchase becomes due for the gateway that runs, or the next that starts. Never charges twice.

  scratchpower-graphql purchases retry GW-… --reason "ScratchPower is up again"`,
    )
    .action((name: string, options: DecisionOptions) =>
      decide(name, options, surroundings, () => ({
        facts: [['becomes', 'UNRESOLVED, asked about at once']],
        whyNot: () => null,
        change: (purchase) => askedAgainByHand(purchase, surroundings.now()),
      })),
    );
}

function signed(command: Command): Command {
  return command
    .argument('<purchase>', 'its id, its opaque GraphQL id, its reference or its idempotency key')
    .requiredOption(
      '--reason <text>',
      `how you know, and where it is written; kept for ever, up to ${MAX_REASON_LENGTH} characters`,
    )
    .option('--author <name>', 'who decides (default: the user of the operating system)')
    .addOption(integrationOption())
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'print the purchase as one JSON document');
}

interface Plan {
  readonly facts: readonly (readonly [name: string, value: string | null])[];
  /** Why it cannot be done now, and what to do; null when it can. */
  readonly whyNot: (purchase: Purchase, attempts: readonly Ended[]) => string | null;
  readonly change: (purchase: Purchase) => PurchaseChange;
}

async function decide(
  name: string,
  options: DecisionOptions,
  surroundings: Surroundings,
  plan: (purchase: Purchase) => Plan,
): Promise<void> {
  const { env, terminal } = surroundings;
  const { byHand, wrong } = readByHand({ reason: options.reason, author: options.author ?? osUser() });
  refuseIfWrong(wrong);
  await withJournals(env, options.integration, async (journals) => {
    const { journal, purchase } = await findPurchase(journals, name);
    const planned = plan(purchase);
    await refuseInVain(journal, purchase, planned);
    if (options.yes !== true) await confirm({ journal, purchase }, byHand, planned, surroundings);
    const decided = await journal.decide(purchase.id, byHand, (now, attempts) => {
      refuseWhere(planned.whyNot(now, attempts));
      return planned.change(now);
    });
    refuseWhere(whyNotByHand(decided));
    const { purchase: after } = decided;
    if (options.json === true)
      terminal.out(json(describePurchase({ journal, purchase: after }, maskOf(after))));
    else terminal.out(`${after.reference} was ${purchase.status} and is ${after.status}.\n`);
  });
}

/** Before a person is asked; whether it still holds is decided within the transaction. */
async function refuseInVain(journal: Journal, purchase: Purchase, { whyNot }: Plan): Promise<void> {
  // Whatever cannot be read of them is no hindrance.
  const attempts = await journal.attempts([purchase.id], () => undefined);
  const inFlight = attempts.some(({ outcome }) => outcome === 'IN_FLIGHT');
  const settled = purchase.status === 'SUCCEEDED' || purchase.status === 'FAILED';
  const refused = settled ? 'NOT_IN_DOUBT' : inFlight ? 'IN_FLIGHT' : null;
  refuseWhere(whyNotByHand({ refused, purchase }) ?? whyNot(purchase, attempts));
}

function refuseWhere(whyNot: string | null): void {
  if (whyNot !== null) throw new Refusal(whyNot);
}

function whyNotYet({ status }: Purchase, until: Date): string {
  const why = `What was sent about this purchase may still be processed until ${until.toISOString()} (CONFIRM_TIMEOUT_MS and LATE_LANDING_MS after the last call).`;
  return status === 'NEEDS_ATTENTION'
    ? `${why} Look at ScratchPower’s ledger after that, and settle it then.`
    : `${why} The gateway still asks about it, and each question moves that: wait until it is settled, or NEEDS_ATTENTION.`;
}

async function confirm(
  { journal, purchase }: Found,
  { author, reason }: ByHand,
  planned: Plan,
  { terminal }: Surroundings,
): Promise<void> {
  if (!terminal.interactive)
    throw new Refusal(
      'Nothing was changed: there is nobody here to confirm it. Say --yes where it is meant.',
    );
  const { order } = purchase;
  const told = facts([
    ['purchase', purchase.reference],
    ['integration', journal.integration],
    ['was', purchase.status],
    ['of', `${moneyOf(order.amount) ?? ''} for ${maskOf(purchase)(order.subscriberIdentifier)}`],
    ...planned.facts,
    ['by', author],
    ['because', reason],
  ]);
  const answer = await terminal.ask(`${told}\n\nIs this right? Type yes: `);
  if (answer.trim().toLowerCase() !== 'yes') throw new Refusal('Nothing was changed.');
}

/** Tokens whole: they are what has to be right. */
function findingFacts({ status, tokens, receiptNumber, upstreamReference, total }: Finding): Plan['facts'] {
  return [
    ['becomes', `${status}, for good`],
    ...tokens.map(({ kind, digits }) => [`token (${kind})`, digits.replace(/(.{4})(?=.)/g, '$1 ')] as const),
    ['receipt', receiptNumber && printable(receiptNumber)],
    ['upstream reference', upstreamReference],
    ['total', moneyOf(total)],
  ];
}

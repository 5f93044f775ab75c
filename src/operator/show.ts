import type { Command } from 'commander';

import type { Journal, OnUnreadable } from '../purchases/journal.ts';
import type { Attempt, PurchaseEvent } from '../purchases/purchase.ts';
import { describeAttempt, describeEvent, describePurchase, json, moneyOf } from './describe.ts';
import { findPurchase, type Found } from './find.ts';
import { maskOf, type Mask } from './mask.ts';
import { auditReveal } from './reveal.ts';
import { integrationOption, withJournals, type Surroundings } from './run.ts';
import { facts, table } from './table.ts';
import { printable } from './terminal.ts';
import { shown } from './zone.ts';

const PAGE = 500;

interface ShowOptions {
  integration?: string;
  json?: true;
  reveal?: true;
  author?: string;
}

export function addShow(program: Command, { env, terminal, now }: Surroundings): void {
  program
    .command('show')
    .description('the whole history of one purchase')
    .argument('<purchase>', 'its id, its opaque GraphQL id, its reference or its idempotency key')
    .addOption(integrationOption())
    .option('--json', 'print one JSON document')
    .option(
      '--reveal',
      'show tokens and phone numbers, also within raw answers; the audit trail keeps that you did',
    )
    .option('--author <name>', 'to whom they are shown (default: the user of the operating system)')
    .action(async (name: string, options: ShowOptions) => {
      const { found, attempts, events } = await withJournals(env, options.integration, async (journals) => {
        const history = await historyOf(journals, name, (_, error) =>
          terminal.err(`Left out: ${error instanceof Error ? error.message : String(error)}.\n`),
        );
        if (options.reveal === true) await auditReveal([history.found], { author: options.author, now });
        return history;
      });
      const { purchase } = found;
      const mask = maskOf(purchase, attempts, options.reveal);
      if (options.json === true) {
        terminal.out(
          json({
            purchase: describePurchase(found, mask),
            events: events.map((one) => describeEvent(one, mask)),
            attempts: attempts.map((one) => describeAttempt(one, mask)),
          }),
        );
        return;
      }
      terminal.out(`${[...sections(found, events, attempts, mask)].join('\n\n')}\n`);
    });
}

async function historyOf(journals: readonly Journal[], name: string, unreadable: OnUnreadable) {
  const found = await findPurchase(journals, name);
  const { journal, purchase } = found;
  const events: PurchaseEvent[] = [];
  for (;;) {
    const after = events.at(-1)?.position ?? 0;
    const page = await journal.events({ after, limit: PAGE, purchaseId: purchase.id });
    events.push(...page);
    if (page.length < PAGE) break;
  }
  return { found, events, attempts: await journal.attempts([purchase.id], unreadable) };
}

function* sections(
  found: Found,
  events: readonly PurchaseEvent[],
  attempts: readonly Attempt[],
  mask: Mask,
): Generator<string> {
  yield summary(found, mask);
  yield `EVENTS\n${table(
    ['position', 'at', 'status', 'problem', 'by', 'reason'],
    events.map(({ position, at, purchase: { status, problem }, byHand }) => [
      ...[String(position), shown(at), status, problem?.code ?? ''],
      ...(byHand === null ? ['the gateway', ''] : [byHand.author, mask(byHand.reason)]),
    ]),
  )}`;
  yield `ATTEMPTS\n${table(
    ['no.', 'kind', 'outcome', 'started', 'finished', 'problem', 'request id'],
    attempts.map(({ number, kind, outcome, startedAt, finishedAt, problem, requestId }) => [
      ...[String(number), kind, outcome, shown(startedAt)],
      ...[finishedAt === null ? '' : shown(finishedAt), problem?.code ?? '', requestId],
    ]),
  )}`;
  for (const { number, answer, answerBlottedAt } of attempts) {
    if (answer === null) continue;
    const head = `ANSWER TO ATTEMPT ${number}: ${answer.status}${answer.complete ? '' : ', cut off'}`;
    yield answerBlottedAt === null
      ? `${head}\n${printable(mask(answer.body))}`
      : `${head}\nblotted out at ${shown(answerBlottedAt)} (ANSWER_RETENTION_MS)`;
  }
}

function summary({ journal, purchase }: Found, mask: Mask): string {
  const { order, charges, subscriber, problem, tokens, units } = purchase;
  const at = (instant: Date | null) => instant && shown(instant);
  return facts([
    ['status', purchase.status],
    ['reference', purchase.reference],
    ['id', purchase.id],
    ['integration', journal.integration],
    ['idempotency key', purchase.idempotencyKey],
    ['created', shown(purchase.createdAt)],
    ['settled', at(purchase.settledAt)],
    ['unresolved since', at(purchase.unresolvedSince)],
    ['next check', at(purchase.nextCheckAt)],
    ['product', `${order.productType} ${order.provider.code} (${order.provider.name}), on ${order.surface}`],
    ['meter', mask(order.subscriberIdentifier)],
    ['subscriber', [subscriber.name, subscriber.address].filter((one) => one !== null).join(', ') || null],
    ['phone', mask(order.beneficiaryPhoneNumber)],
    ['account', String(order.accountId)],
    ['amount', moneyOf(order.amount)],
    ['charges', order.chargesOnTop ? 'on top of the amount' : 'out of the amount'],
    ['net', moneyOf(charges?.net ?? null)],
    ['charge', moneyOf(charges?.charge ?? null)],
    ['total', moneyOf(charges?.total ?? null)],
    ['commission', moneyOf(charges?.commission ?? null)],
    ['upstream reference', purchase.upstreamReference],
    ['receipt', purchase.receiptNumber],
    ['units', units && `${units.value.toFixed()} ${units.unit ?? ''}`],
    ...tokens.map(({ kind, digits }) => [`token (${kind})`, mask(grouped(digits))] as const),
    ['comment', order.comment && mask(order.comment)],
    ['problem', problem && `${problem.code}: ${mask(problem.message)}`],
  ]);
}

function grouped(digits: string): string {
  return digits.replace(/(.{4})(?=.)/g, '$1 ');
}

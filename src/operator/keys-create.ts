import { InvalidArgumentError, type Command } from 'commander';

import { newApiKey } from '../auth/api-key.ts';
import { scopes, type CallerLimits, type Scope } from '../auth/caller.ts';
import { isScope } from '../auth/claims.ts';
import type { ApiKey } from '../auth/key-store.ts';
import { readIntegrations } from '../config/integrations.ts';
import { describeKey, isLive, keyFacts } from './describe-key.ts';
import { json } from './describe.ts';
import { Refusal, withKeys, type Env, type Surroundings } from './run.ts';
import { facts } from './table.ts';
import { HOME_ZONE, instantIn } from './zone.ts';

interface CreateOptions {
  name: string;
  scopes: Scope[];
  integration?: string;
  accounts?: number[];
  expires?: Date;
  perPurchase?: string;
  perDay?: string;
  json?: true;
}

export function addCreateKey(program: Command, { env, terminal, now }: Surroundings): void {
  program
    .command('create')
    .description('a new key, which is shown once and never again: only a hash of it is kept')
    .requiredOption('--name <name>', 'the caller’s name, for the log; keys of one name are one caller', aName)
    .requiredOption('--scopes <list>', `what it may do, of ${scopes.join(',')}`, aScopeList)
    .option('--integration <name>', 'the integration that it belongs to', aName)
    .option(
      '--accounts <list>',
      'the only accounts that it may see and debit, such as 13209,13210',
      anAccountList,
    )
    .option(
      '--expires <instant>',
      `until when it is valid: 2027-01-01 (in ${HOME_ZONE}) or 2027-01-01T12:00Z`,
      anInstant,
    )
    .option('--per-purchase <amount>', 'what one purchase may cost at most, such as 500.00', anAmount)
    .option('--per-day <amount>', 'what it may spend in a day at most, such as 5000.00', anAmount)
    .option('--json', 'print one JSON document')
    .action(async (options: CreateOptions) => {
      const { name, integration, accounts, expires, json: asJson } = options;
      if (expires !== undefined && expires <= now())
        throw new Refusal('--expires: that is over already. Give an instant to come.');
      const { id, key, secretSha256 } = newApiKey();
      const made: ApiKey = {
        ...{ id, name, secretSha256, scopes: options.scopes, integration, accounts },
        limits: limitsOf(options),
        createdAt: now(),
        expiresAt: expires,
        revokedAt: undefined,
      };
      const others = await withKeys(env, async (keys) => {
        const all = await keys.all(() => undefined);
        await keys.add(made);
        return all.filter((one) => one.name === name && isLive(one, now()));
      });
      terminal.out(
        asJson === true
          ? json({ ...describeKey(made, now()), key })
          : `${facts(keyFacts(made, now()))}\n\n${key}\n\nShown once. Sent as: Authorization: Bearer sp_…\n`,
      );
      const wrong = integration === undefined ? undefined : notConfigured(integration, env);
      if (wrong !== undefined) terminal.err(wrong);
      if (others.length > 0)
        terminal.err(`There is another key of this name: sp_${others.map((one) => one.id).join(', sp_')}.\n`);
    });
}

/** A warning, for it may be configured elsewhere, or later; nothing where no configuration can be read here. */
function notConfigured(integration: string, env: Env): string | undefined {
  const { integrations } = readIntegrations(env);
  const known = integrations.map(({ name }) => name);
  if (known.length === 0 || known.includes(integration)) return undefined;
  return `Warning: no integration ${JSON.stringify(integration)} is configured here, but: ${known.join(', ')}. The key is good for nothing until it is.\n`;
}

function limitsOf({ perPurchase, perDay }: CreateOptions): CallerLimits | undefined {
  if (perPurchase === undefined && perDay === undefined) return undefined;
  return { ...(perPurchase !== undefined && { perPurchase }), ...(perDay !== undefined && { perDay }) };
}

function aName(text: string): string {
  if (!/^[^\p{C}\s]([^\p{C}]{0,98}[^\p{C}\s])?$/u.test(text))
    throw new InvalidArgumentError('It must be 1 to 100 visible characters.');
  return text;
}

function listed(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((one) => one !== ''))];
}

function aScopeList(text: string): Scope[] {
  const list = listed(text);
  const known = list.filter(isScope);
  if (known.length === 0 || known.length < list.length)
    throw new InvalidArgumentError(`It must be some of ${scopes.join(',')}.`);
  return known;
}

function anAccountList(text: string): number[] {
  const list = listed(text);
  if (list.length === 0 || !list.every((one) => /^[1-9]\d{0,14}$/.test(one)))
    throw new InvalidArgumentError('It must be account numbers, such as 13209,13210.');
  return list.map(Number);
}

function anAmount(text: string): string {
  if (!/^\d{1,12}(\.\d{1,4})?$/.test(text))
    throw new InvalidArgumentError('It must be an amount, such as 500.00.');
  return text;
}

function anInstant(text: string): Date {
  const instant = instantIn(HOME_ZONE, text);
  if (instant === undefined)
    throw new InvalidArgumentError('It must be a day, 2027-01-01, or an instant, 2027-01-01T12:00Z.');
  return instant;
}

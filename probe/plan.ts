import type { Decimal } from 'decimal.js';

import { Hindrance, type Assumption } from './assumption.ts';
import { chargeOf, money } from './amounts.ts';
import { purchaseNames, trialOf, type Trial } from './purchases.ts';
import type { Side } from './side.ts';
import type { Surface } from './surfaces.ts';
import type { Walk } from './walk.ts';
import { said } from './wire.ts';

/** One purchase that is meant, at the price that validate told. */
export interface Planned {
  readonly surface: Surface;
  readonly trial: Trial;
  /** Undefined when nobody told it. */
  readonly total: Decimal | undefined;
}

/** Asks the price of each purchase that the assumptions need. Nothing is bought by it, nor agreed to. */
export async function planOf(walk: Walk, assumptions: readonly Assumption[]): Promise<readonly Planned[]> {
  const planned: Planned[] = [];
  for (const surface of ['v1', 'current'] as const) {
    const side = walk.on(surface);
    const wanted = new Set(
      assumptions.filter((one) => one.surface === surface).flatMap(({ buys }) => buys ?? []),
    );
    for (const name of purchaseNames) {
      const trial = wanted.has(name) ? trialOf(name, walk.settings) : undefined;
      if (trial !== undefined) planned.push(...(await priced(side, trial)));
    }
  }
  return planned;
}

async function priced(side: Side, trial: Trial): Promise<readonly Planned[]> {
  const { surface } = side;
  try {
    const reply = await side.validateTrial(trial);
    if (reply.status < 300) return [{ surface, trial, total: chargeOf(reply.json, 'total') }];
    // A validate that refuses is what this trial is for.
    if (trial.isRefused) return [{ surface, trial, total: undefined }];
    side.drop(trial.name, `validate refused the purchase "${trial.name}": ${said(reply)}`);
  } catch (error) {
    if (!(error instanceof Hindrance)) throw error;
    side.drop(trial.name, error.message);
  }
  return [];
}

/** What a person is told before agreeing. */
export function told(planned: readonly Planned[], target: string): string {
  const lines = planned.map(({ surface, trial, total }) => {
    const { what, amount, times, isRefused } = trial;
    const cost =
      isRefused && total === undefined
        ? 'debits nothing when confirm refuses it as validate did'
        : `debits ${money(total)}${times === 2 ? ', and perhaps again' : ''}`;
    return `  ${surface.padEnd(8)} BWP ${amount.toFixed(2).padStart(8)}  ${what}: ${cost}`;
  });
  const sum = planned.reduce<Decimal | undefined>((all, { total, trial }) => {
    const cost = total?.mul(trial.times);
    return all === undefined ? cost : all.add(cost ?? 0);
  }, undefined);
  return `These purchases are made on ${target}:\n${lines.join('\n')}\n  In all: ${money(sum)}\n`;
}

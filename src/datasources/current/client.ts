import { z } from 'zod';

import { isProblem, problem, type Problem } from '../../purchases/problem.ts';
import type { Order } from '../../purchases/purchase.ts';
import { jsonWith } from '../json.ts';
import { SurfaceClient, type ClosableVending, type SurfaceOptions } from '../surface-client.ts';
import { accounts } from '../v1/wire.ts';
import * as wire from './wire.ts';

/** ScratchPower's Current API: legacy, frozen, electricity only. */
export function createCurrent(options: SurfaceOptions): ClosableVending {
  const { envelopeIn, toldBy } = wire;
  const client = new SurfaceClient({ surface: 'CURRENT', prefix: '', envelopeIn, toldBy }, options);
  const { runtime } = options;
  return {
    surface: 'CURRENT',
    identity: async (call) => wire.identityOf(await client.read('me', '/auth/me', wire.me, call)),
    accounts: (call) => client.read('me', '/auth/me', accountsOfMe, call),
    products: () => Promise.resolve([wire.electricity]),
    async validate(order, call) {
      const refused = notHere(order);
      if (refused !== null) return refused;
      const body = topupBody(order, null, runtime.now());
      const answer = await client.ask('validate', '/api/topup/validate', body, wire.priced, call);
      if (isProblem(answer)) return answer;
      const identifier = order.subscriberIdentifier;
      const { name = null, address = null } = answer.customer ?? {};
      return { subscriber: { identifier, name, address }, charges: answer.transaction };
    },
    async confirm(order, reference, call) {
      const refused = notHere(order);
      if (refused !== null) return { kind: 'NOT_SENT', problem: refused };
      return client.send('confirm', '/api/topup/confirm', topupBody(order, reference, runtime.now()), call);
    },
    retry: ({ sourceChannel, language }, reference, call) => {
      const body = { external_reference: reference, source_channel: sourceChannel, language };
      return client.send('retry', '/api/topup/retry', JSON.stringify(body), call);
    },
    read: (answer, expected) => client.readAnswer(answer, expected),
    admit: () => client.admit(),
    isThere: () => client.isThere(),
    ready: () => client.ready(),
    state: () => client.state,
    close: () => client.close(),
  };
}

const accountsOfMe = z.object({ accounts }).transform((me) => me.accounts);

/** [D] Electricity only, and no POS. Refused before anything is sent. */
function notHere({ productType, sourceChannel }: Order): Problem | null {
  const refuse = (code: string, field: string, message: string) =>
    problem({ type: 'INVALID_INPUT', code, message, fields: [{ field, message }] });
  if (productType !== 'ELECTRICITY') {
    return refuse(
      'product_not_on_surface',
      'productType',
      'Surface CURRENT sells electricity only. Use surface V1.',
    );
  }
  if (sourceChannel === 'POS') {
    const message = 'Surface CURRENT has no source channel POS. Use another, or surface V1.';
    return refuse('source_channel_not_on_surface', 'sourceChannel', message);
  }
  return null;
}

function topupBody(order: Order, reference: string | null, now: Date): string {
  return jsonWith(
    {
      source_channel: order.sourceChannel,
      language: order.language,
      debited_account_id: order.accountId,
      beneficiary_phone_number: order.beneficiaryPhoneNumber.replace('+', ''),
      meter_number: order.subscriberIdentifier,
      currency: order.amount.currency,
      charges_on_top_flag: order.chargesOnTop,
      comment: order.comment,
      date: localTime(now),
      external_reference: reference,
    },
    { amount: order.amount.amount.toFixed() },
  );
}

/** `YYYY-MM-DD HH:mm:ss` [D] in Botswana's time [A]: UTC+2 the whole year. */
function localTime(now: Date): string {
  const BOTSWANA_OFFSET_MS = 7_200_000;
  return new Date(now.getTime() + BOTSWANA_OFFSET_MS).toISOString().slice(0, 19).replace('T', ' ');
}

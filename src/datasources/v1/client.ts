import { isProblem, problem } from '../../purchases/problem.ts';
import type { Order } from '../../purchases/purchase.ts';
import type { Call } from '../../purchases/vending.ts';
import { jsonWith } from '../json.ts';
import { SurfaceClient, type ClosableVending, type SurfaceOptions } from '../surface-client.ts';
import * as wire from './wire.ts';

/** ScratchPower v1. */
export function createV1(options: SurfaceOptions): ClosableVending {
  const { envelopeIn, toldBy } = wire;
  const client = new SurfaceClient({ surface: 'V1', prefix: '/v1', envelopeIn, toldBy }, options);
  return {
    surface: 'V1',
    identity: (call) => client.read('me', '/auth/me', wire.me, call),
    accounts: (call) => client.read('accounts', '/accounts', wire.accounts, call),
    products: (call) => client.read('products', '/vas-products', wire.products, call),
    async validate(order, call) {
      const refused = notHere(order);
      if (refused !== null) return refused;
      const answer = await client.ask(
        'validate',
        '/purchases/validate',
        purchaseBody(order, null),
        wire.priced,
        call,
      );
      if (isProblem(answer)) return answer;
      const identifier = order.subscriberIdentifier;
      const { name = null, address = null } = answer.subscriber ?? {};
      return { subscriber: { identifier, name, address }, charges: answer.transaction };
    },
    async confirm(order: Order, reference: string, call: Call) {
      const refused = notHere(order);
      if (refused !== null) return { kind: 'NOT_SENT', problem: refused };
      return client.send('confirm', '/purchases/confirm', purchaseBody(order, reference), call);
    },
    retry: ({ sourceChannel, language }, reference, call) => {
      const body = { external_reference: reference, source_channel: sourceChannel, language };
      return client.send('retry', '/purchases/retry', JSON.stringify(body), call);
    },
    read: (answer, expected) => client.readAnswer(answer, expected),
    admit: () => client.admit(),
    isThere: () => client.isThere(),
    ready: () => client.ready(),
    state: () => client.state,
    close: () => client.close(),
  };
}

/** [D] v1 knows no SMS_MO. */
function notHere({ sourceChannel }: Order) {
  if (sourceChannel !== 'SMS_MO') return null;
  const message = 'Surface V1 has no source channel SMS_MO. Use another, or surface CURRENT.';
  const fields = [{ field: 'sourceChannel', message }];
  return problem({ type: 'INVALID_INPUT', code: 'source_channel_not_on_surface', message, fields });
}

function purchaseBody(order: Order, reference: string | null): string {
  return jsonWith(
    {
      source_channel: order.sourceChannel,
      language: order.language,
      product_type: order.productType,
      provider_code: order.provider.code,
      debited_account_id: order.accountId,
      beneficiary_phone_number: order.beneficiaryPhoneNumber.replace('+', ''),
      subscriber_identifier: order.subscriberIdentifier,
      currency: order.amount.currency,
      charges_on_top_flag: order.chargesOnTop,
      comment: order.comment,
      external_reference: reference,
    },
    { amount: order.amount.amount.toFixed() },
  );
}

import { guardedBy, rules } from './access.ts';
import { accountNumberOf } from './global-id.ts';
import { builder } from './builder.ts';
import { AccountCategoryEnum } from './enums.ts';
import { MoneyRef } from './money.ts';
import type { Account } from '../purchases/catalogue.ts';

export const AccountRef = builder.objectRef<Account>('Account');

builder.node(AccountRef, {
  extensions: guardedBy(rules.readAccounts),
  description: 'A wallet at ScratchPower that purchases are paid from, or that is paid to.',
  id: { resolve: ({ id }) => String(id) },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'rank' in value,
  fields: (t) => ({
    accountNumber: t.exposeInt('id', {
      description: 'ScratchPower’s own number of the account, such as 13209.',
    }),
    name: t.exposeString('name', { description: 'The name that people know it by.' }),
    currency: t.expose('currency', { type: 'Currency', description: 'The one currency that it holds.' }),
    category: t.expose('category', { type: AccountCategoryEnum, description: 'What it is for.' }),
    type: t.exposeString('type', { description: 'ScratchPower’s kind of account; WALLET for now.' }),
    status: t.exposeString('status', {
      description: 'ScratchPower’s status; only ACTIVE accounts are listed.',
    }),
    rank: t.exposeInt('rank', { description: 'The order to show accounts in, lowest first.' }),
    balance: t.field({
      type: MoneyRef,
      nullable: true,
      description: 'What is in it now. Null where the surface does not tell it (CURRENT).',
      resolve: ({ balance }) => balance,
    }),
  }),
});

builder.queryFields((t) => ({
  accounts: t.field({
    type: [AccountRef],
    authScopes: rules.readAccounts,
    description: 'The accounts that may be debited, in the order to show them.',
    resolve: (_root, _args, { loaders }) => loaders.accounts.load('ALL'),
  }),
  account: t.field({
    type: AccountRef,
    nullable: true,
    authScopes: rules.readAccounts,
    description: 'One account; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The opaque id of the account.' }) },
    resolve: (_root, { id }, { loaders }) => {
      const number = accountNumberOf(id);
      return number === null ? null : loaders.account.load(number);
    },
  }),
}));

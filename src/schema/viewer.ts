import type { Identity, Organisation } from '../purchases/catalogue.ts';
import { reached, rules } from './access.ts';
import { AccountRef } from './account.ts';
import { builder } from './builder.ts';
import { SurfaceEnum } from './enums.ts';

const OrganisationRef = builder.objectRef<Organisation>('Organisation').implement({
  extensions: reached,
  description: 'The organisation at ScratchPower on whose behalf purchases are made.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Its code at ScratchPower.' }),
    name: t.exposeString('name', { nullable: true, description: 'Its name, where it is told.' }),
  }),
});

const ViewerRef = builder.objectRef<Identity>('Viewer').implement({
  extensions: reached,
  description: 'Whom the gateway acts as at ScratchPower, and what the caller may do here.',
  fields: (t) => ({
    username: t.exposeString('username', { description: 'The integration user’s name at ScratchPower.' }),
    role: t.exposeString('role', { nullable: true, description: 'Its main role there, where it is told.' }),
    roles: t.stringList({ description: 'All its roles there.', resolve: ({ roles }) => [...roles] }),
    organisation: t.field({
      type: OrganisationRef,
      nullable: true,
      description: 'Its organisation, where it is told.',
      resolve: ({ organisation }) => organisation,
    }),
    surface: t.field({
      type: SurfaceEnum,
      description: 'The surface that purchases use unless they name one.',
      resolve: (_viewer, _args, { domain }) => domain.catalogue.defaultSurface,
    }),
    scopes: t.stringList({
      description:
        'What this caller may do: `accounts:read`, `purchases:read`, `purchases:write`, `tokens:read` (see token digits).',
      resolve: (_viewer, _args, { caller }) => [...caller.scopes],
    }),
    accounts: t.field({
      type: [AccountRef],
      authScopes: rules.readAccounts,
      description: 'The accounts that may be debited, in the order to show them.',
      resolve: (_viewer, _args, { loaders }) => loaders.accounts.load('ALL'),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerRef,
    authScopes: rules.anyone,
    description: 'Who you are here.',
    resolve: (_root, _args, { domain, signal, requestId }) => domain.catalogue.identity(signal, requestId),
  }),
);

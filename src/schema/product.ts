import {
  checkSubscriberId,
  subscriberIdHint,
  type Product,
  type Provider,
  type SubscriberIdFormat,
} from '../purchases/catalogue.ts';
import { reached, rules } from './access.ts';
import { builder } from './builder.ts';
import { ProductTypeEnum, SurfaceEnum } from './enums.ts';

export const ProviderRef = builder.objectRef<Provider>('Provider').implement({
  extensions: reached,
  description: 'The utility or network whose product it is.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'What `PurchaseInput.providerCode` takes, such as `BPC`.' }),
    name: t.exposeString('name', { description: 'Its name, such as Botswana Power Corporation.' }),
  }),
});

const SubscriberIdFormatRef = builder.objectRef<SubscriberIdFormat>('SubscriberIdFormat').implement({
  extensions: reached,
  description: 'How a product wants its subscriber identifier written. Length and pattern apply together.',
  fields: (t) => ({
    label: t.exposeString('label', { nullable: true, description: 'What to call it, such as Meter Number.' }),
    minLength: t.exposeInt('minLength', {
      nullable: true,
      description: 'The fewest characters; null for no bound.',
    }),
    maxLength: t.exposeInt('maxLength', {
      nullable: true,
      description: 'The most characters; null for no bound.',
    }),
    pattern: t.exposeString('pattern', {
      nullable: true,
      description: 'A JavaScript-compatible regular expression.',
    }),
    hint: t.string({
      description: 'What to show beside the input; made from the lengths where ScratchPower has none.',
      resolve: subscriberIdHint,
    }),
  }),
});

const ProductRef = builder.objectRef<Product>('Product').implement({
  extensions: reached,
  description: 'Something that can be bought.',
  fields: (t) => ({
    type: t.expose('type', { type: ProductTypeEnum, description: 'What `PurchaseInput.productType` takes.' }),
    displayName: t.exposeString('displayName', { description: 'What to call it, such as Electricity.' }),
    subscriberId: t.field({
      type: SubscriberIdFormatRef,
      description: 'How the meter’s or phone’s number is written.',
      resolve: ({ subscriberId }) => subscriberId,
    }),
    providers: t.field({
      type: [ProviderRef],
      description: 'Who sells it.',
      resolve: ({ providers }) => providers,
    }),
    surfaces: t.field({
      type: [SurfaceEnum],
      description: 'Where it is sold.',
      resolve: ({ surfaces }) => surfaces,
    }),
    checkSubscriberId: t.string({
      nullable: true,
      description:
        'Checks an identifier against length and pattern, without asking ScratchPower. Null when it fits, else a sentence why it does not.',
      args: {
        value: t.arg.string({ required: true, description: 'The identifier as the customer typed it.' }),
      },
      resolve: ({ subscriberId }, { value }) => checkSubscriberId(subscriberId, value),
    }),
  }),
});

builder.queryField('products', (t) =>
  t.field({
    type: [ProductRef],
    authScopes: rules.anyone,
    description: 'What there is to buy. At most five minutes old.',
    args: { type: t.arg({ type: ProductTypeEnum, description: 'Only products of this type.' }) },
    resolve: async (_root, { type }, { loaders, domain }) => {
      const all = await loaders.products.load(domain.catalogue.defaultSurface);
      return all.filter((one) => type == null || one.type === type);
    },
  }),
);

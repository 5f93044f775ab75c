import './node.ts';
import './viewer.ts';
import './account.ts';
import './product.ts';
import './quote.ts';
import './purchase.ts';
import './purchases.ts';
import './mutations.ts';
import './subscriptions.ts';
import { builder } from './builder.ts';
import { requireRules } from './require-rules.ts';

/** The whole schema. schema.graphql is printed from it. */
export const schema = requireRules(builder.toSchema());

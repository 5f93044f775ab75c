import type { PurchaseFilter } from './journal.ts';
import type { Purchase } from './purchase.ts';

/** Whether a purchase is one that the filter asks for: what the journal's `page` does in SQL. Empty lists ask for none. */
export function matchesFilter({ order, status, createdAt }: Purchase, filter: PurchaseFilter): boolean {
  return (
    (filter.status == null || filter.status.includes(status)) &&
    (filter.productType == null || filter.productType.includes(order.productType)) &&
    (filter.accountId == null || filter.accountId === order.accountId) &&
    (filter.accounts == null || filter.accounts.includes(order.accountId)) &&
    (filter.subscriberIdentifier == null || filter.subscriberIdentifier === order.subscriberIdentifier) &&
    (filter.createdAfter == null || createdAt >= filter.createdAfter) &&
    (filter.createdBefore == null || createdAt < filter.createdBefore)
  );
}

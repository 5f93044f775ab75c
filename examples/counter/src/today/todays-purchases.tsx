import { money, time } from '../format.ts';
import type { Purchase } from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useIntents } from '../purchase/intents.ts';

interface TodaysPurchasesProps {
  readonly purchases: readonly Purchase[];
  readonly failed: boolean;
  readonly loaded: boolean;
  readonly more: (() => void) | null;
  /** The purchase that is on the screen. */
  readonly shown: string | null;
  readonly onOpen: (id: string) => void;
}

export function TodaysPurchases({ purchases, failed, loaded, more, shown, onOpen }: TodaysPurchasesProps) {
  const texts = useTexts();
  // Served in between and not yet looked at again.
  const unseen = new Set(useIntents().map(({ purchaseId }) => purchaseId));
  return (
    <section className="panel today" aria-labelledby="today">
      <h2 id="today">{texts.today}</h2>
      {purchases.length === 0 && (
        <p className="muted">{failed ? texts.listUnavailable : loaded ? texts.noneToday : texts.loading}</p>
      )}
      <ol>
        {purchases.map(({ id, createdAt, productType, subscriber, amount, status }) => (
          <li key={id}>
            <button
              type="button"
              aria-current={id === shown}
              className={unseen.has(id) && id !== shown ? 'row unseen' : 'row'}
              onClick={() => onOpen(id)}
            >
              <span className="when">{time(createdAt)}</span>
              <span className="what">
                {texts.products[productType]}
                <span className="digits">{subscriber.identifier}</span>
              </span>
              <span className="much">{money(amount)}</span>
              <span className={`status ${status.toLowerCase()}`}>{texts.statuses[status]}</span>
            </button>
          </li>
        ))}
      </ol>
      {more !== null && (
        <button type="button" onClick={more}>
          {texts.more}
        </button>
      )}
    </section>
  );
}

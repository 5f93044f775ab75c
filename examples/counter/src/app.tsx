import { useRef, useState } from 'react';

import type { Problem, Quote } from './gateway/operations.ts';
import { useLive } from './gateway/sockets.ts';
import { useShop } from './gateway/use-shop.ts';
import { LanguageSwitch, useTexts } from './i18n/language.tsx';
import { CheckQuote } from './purchase/check-quote.tsx';
import { DetailsForm } from './purchase/details-form.tsx';
import type { Draft } from './purchase/draft.ts';
import { IntentView } from './purchase/intent-view.tsx';
import { forget, intend, intents, useIntents } from './purchase/intents.ts';
import { PurchaseView } from './purchase/purchase-view.tsx';
import { currentKey, setCurrentKey } from './purchase/current.ts';
import { TodaysPurchases } from './today/todays-purchases.tsx';
import { useTodaysPurchases } from './today/use-todays-purchases.ts';

type Shown =
  | { readonly screen: 'details'; readonly draft?: Draft; readonly problem: Problem | null }
  | { readonly screen: 'check'; readonly draft: Draft; readonly quote: Quote }
  | { readonly screen: 'intent'; readonly key: string }
  | { readonly screen: 'listed'; readonly id: string };

/** What is pressed so soon after the button to buy was meant for that button, whatever has come under the finger meanwhile. */
const DOUBLE_TAP_MS = 1_000;

export function App() {
  const texts = useTexts();
  const live = useLive();
  const { shop, trouble, askAgain } = useShop();
  const todays = useTodaysPurchases();
  const kept = useIntents();
  const [shown, setShown] = useState<Shown>(atStart);
  // A form that is shown again begins anew.
  const [round, setRound] = useState(0);
  const boughtAt = useRef(-Infinity);

  const show = (next: Shown) => {
    setCurrentKey(next.screen === 'intent' ? next.key : '');
    setRound((before) => before + 1);
    setShown(next);
  };
  const showForm = (draft?: Draft, problem: Problem | null = null) =>
    show({ screen: 'details', problem, ...(draft === undefined ? {} : { draft }) });
  const intent = shown.screen === 'intent' ? kept.find(({ key }) => key === shown.key) : undefined;
  const listed = shown.screen === 'listed' ? shown.id : intent?.purchaseId;

  return (
    <>
      <header className="top">
        <h1>{texts.title}</h1>
        <p className="shop">{shop?.viewer.organisation?.name}</p>
        <p role="status" className={live ? 'link live' : 'link lost'}>
          {live ? texts.live : texts.reconnecting}
        </p>
        <LanguageSwitch />
      </header>
      <main className="columns">
        <section className="panel" aria-labelledby="screen">
          {shown.screen === 'check' ? (
            <CheckQuote
              key={round}
              quote={shown.quote}
              open={todays.purchases.filter(
                ({ status, subscriber }) =>
                  ['PENDING', 'UNRESOLVED', 'NEEDS_ATTENTION'].includes(status) &&
                  subscriber.identifier === shown.quote.subscriber.identifier,
              )}
              onBuy={() => {
                boughtAt.current = performance.now();
                show({ screen: 'intent', key: intend(shown.quote.id, shown.draft).key });
              }}
              onChange={() => showForm(shown.draft)}
            />
          ) : intent?.purchaseId === null ? (
            <IntentView
              key={intent.key}
              intent={intent}
              onChange={() => {
                forget(intent.key);
                showForm(intent.draft, intent.refusal);
              }}
            />
          ) : listed != null ? (
            <PurchaseView
              key={listed}
              id={listed}
              shop={shop?.viewer.organisation?.name ?? ''}
              onNext={() => showForm()}
              onSeen={() => {
                for (const one of intents()) if (one.purchaseId === listed) forget(one.key);
                showForm();
              }}
              onChange={(problem) => {
                const draft = intents().find(({ purchaseId }) => purchaseId === listed)?.draft;
                for (const one of intents()) if (one.purchaseId === listed) forget(one.key);
                showForm(draft, problem);
              }}
            />
          ) : shop === undefined ? (
            <div role="status">
              <h2 id="screen">{texts.newPurchase}</h2>
              <p>{trouble === null ? texts.loading : texts.shopUnavailable}</p>
              {trouble !== null && (
                <>
                  <p className="muted">{trouble}</p>
                  <button type="button" onClick={askAgain}>
                    {texts.tryAgain}
                  </button>
                </>
              )}
            </div>
          ) : (
            <DetailsForm
              key={round}
              accounts={shop.viewer.accounts}
              products={shop.products}
              draft={shown.screen === 'details' ? shown.draft : undefined}
              problem={shown.screen === 'details' ? shown.problem : null}
              onQuote={(quote, draft) => show({ screen: 'check', quote, draft })}
            />
          )}
        </section>
        <TodaysPurchases
          {...todays}
          shown={listed ?? null}
          onOpen={(id) => {
            if (performance.now() - boughtAt.current > DOUBLE_TAP_MS) show({ screen: 'listed', id });
          }}
        />
      </main>
    </>
  );
}

/** Where the page was left: a purchase under way is taken up again. */
function atStart(): Shown {
  const current = currentKey();
  const intent = current === null ? intents()[0] : intents().find(({ key }) => key === current);
  return intent === undefined ? { screen: 'details', problem: null } : { screen: 'intent', key: intent.key };
}

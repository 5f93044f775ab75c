import { useRef, useState } from 'react';

import { money } from '../format.ts';
import type { Purchase, Quote } from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { Heading } from './heading.tsx';

interface CheckQuoteProps {
  readonly quote: Quote;
  /** Purchases for the same number whose outcome is not known. */
  readonly open: readonly Purchase[];
  /** Throws when the intent can't be kept. */
  readonly onBuy: () => void;
  readonly onChange: () => void;
}

/** Owner and charges, for the customer to agree to. */
export function CheckQuote({ quote, open, onBuy, onChange }: CheckQuoteProps) {
  const texts = useTexts();
  const pressed = useRef(false);
  const [wantsTwo, setWantsTwo] = useState(false);
  const [cannotKeep, setCannotKeep] = useState(false);
  const { subscriber, amount, charges } = quote;
  const total = money(charges.total ?? amount);
  const mayBuy = open.length === 0 || wantsTwo;

  const buy = () => {
    if (pressed.current || !mayBuy) return;
    pressed.current = true;
    try {
      onBuy();
    } catch {
      pressed.current = false;
      setCannotKeep(true);
    }
  };
  return (
    <>
      <Heading>{texts.isThisRight}</Heading>
      <div className="owner">
        <p className="name">{subscriber.name ?? texts.notTold}</p>
        <p>{subscriber.address}</p>
        <p className="digits">{subscriber.identifier}</p>
      </div>
      <dl className="sums">
        <dt>
          {texts.products[quote.productType]}, {quote.provider.name}
        </dt>
        <dd>{money(amount)}</dd>
        {charges.charge !== null && (
          <>
            <dt>{texts.charge}</dt>
            <dd>{money(charges.charge)}</dd>
          </>
        )}
        <dt className="sum">{texts.total}</dt>
        <dd className="sum">{total}</dd>
        {quote.account !== null && (
          <>
            <dt>{texts.payFrom}</dt>
            <dd>{quote.account.name}</dd>
          </>
        )}
      </dl>
      {open.map(({ id, reference }) => (
        <div key={id} className="notice doubt">
          <p>{texts.openAlready(reference)}</p>
        </div>
      ))}
      {open.length > 0 && (
        <label className="tick">
          <input type="checkbox" checked={wantsTwo} onChange={() => setWantsTwo(!wantsTwo)} />
          <span>{texts.wantsTwo}</span>
        </label>
      )}
      <div role="alert">{cannotKeep && <p className="notice bad">{texts.cannotKeep}</p>}</div>
      <div className="actions">
        <button type="button" className="main" disabled={!mayBuy} onClick={buy}>
          {texts.buyFor(total)}
        </button>
        <button type="button" onClick={onChange}>
          {texts.change}
        </button>
      </div>
    </>
  );
}

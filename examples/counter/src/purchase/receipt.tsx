import { dateAndTime, money } from '../format.ts';
import type { Purchase } from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { CopyButton } from './copy-button.tsx';

/** The tokens, in the order to be keyed in, and what a customer takes home: the print style sheet prints only this. */
export function Receipt({ purchase, shop }: { purchase: Purchase; shop: string }) {
  const texts = useTexts();
  const { tokens, units, charges, amount, subscriber, provider, receiptNumber, reference } = purchase;
  const keyChanges = tokens.filter(({ kind }) => kind === 'KEY_CHANGE');
  const named = tokens.map((token) => ({
    ...token,
    name:
      token.kind === 'CREDIT'
        ? texts.token
        : token.kind === 'OTHER'
          ? texts.otherToken
          : texts.keyChange(keyChanges.indexOf(token) + 1),
  }));
  return (
    <article className="receipt" aria-label={texts.receipt}>
      <p className="letterhead">
        <strong>{shop}</strong> · {texts.receipt}
      </p>
      {tokens.length === 0 && <p>{texts.noToken}</p>}
      {named.map(({ name, digits, formatted }, index) => (
        <div className="token" key={`${digits ?? ''}${index}`}>
          <p className="label">{name}</p>
          {formatted === null || digits === null ? (
            <p>{texts.hidden}</p>
          ) : (
            <>
              <p className="groups" data-digits={digits}>
                {formatted}
              </p>
              <CopyButton text={digits} />
            </>
          )}
        </div>
      ))}
      {tokens.length > 0 && <p className="hint screen-only">{texts.keepSafe}</p>}
      <dl className="sums">
        {units !== null && (
          <>
            <dt>{texts.units}</dt>
            <dd>
              {units.value} {units.unit}
            </dd>
          </>
        )}
        <dt>{texts.identifiers[purchase.productType]}</dt>
        <dd>{subscriber.identifier}</dd>
        {subscriber.name !== null && (
          <>
            <dt>{texts.owner}</dt>
            <dd>{subscriber.name}</dd>
          </>
        )}
        {subscriber.address !== null && (
          <>
            <dt>{texts.address}</dt>
            <dd>{subscriber.address}</dd>
          </>
        )}
        <dt>{provider.name}</dt>
        <dd>{money(amount)}</dd>
        {charges?.charge != null && (
          <>
            <dt>{texts.charge}</dt>
            <dd>{money(charges.charge)}</dd>
          </>
        )}
        {charges?.total != null && (
          <>
            <dt className="sum">{texts.total}</dt>
            <dd className="sum">{money(charges.total)}</dd>
          </>
        )}
        <dt>{texts.date}</dt>
        <dd>{dateAndTime(purchase.createdAt)}</dd>
        {receiptNumber !== null && (
          <>
            <dt>{texts.receiptNumber}</dt>
            <dd>{receiptNumber}</dd>
          </>
        )}
        <dt>{texts.reference}</dt>
        <dd className="digits">{reference}</dd>
      </dl>
    </article>
  );
}

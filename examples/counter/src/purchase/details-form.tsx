import { useRef, useState, type SubmitEvent } from 'react';
import { useClient } from 'urql';

import {
  Validate,
  type Account,
  type Problem,
  type Product,
  type ProductType,
  type Quote,
} from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import type { Texts } from '../i18n/texts.ts';
import { Balance } from './balance.tsx';
import { amountFits, inputOf, phoneFits, withoutSpaces, type Draft, type Field } from './draft.ts';
import { besideFields, type FieldMessages } from './field-problems.ts';
import { fitOf, type Fit } from './identifier.ts';
import { TextField } from './text-field.tsx';

interface DetailsFormProps {
  readonly accounts: readonly Account[];
  readonly products: readonly Product[];
  readonly draft: Draft | undefined;
  readonly problem: Problem | null;
  readonly onQuote: (quote: Quote, draft: Draft) => void;
}

/** What to buy, for whom, for how much: checked as it is typed, then by the provider. */
export function DetailsForm({ accounts, products, draft: before, problem, onQuote }: DetailsFormProps) {
  const texts = useTexts();
  const client = useClient();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState<Draft>(before ?? emptyDraft(accounts, products));
  const [left, setLeft] = useState<ReadonlySet<Field>>(new Set());
  const [refused, setRefused] = useState<Problem | null>(problem);
  const [unanswered, setUnanswered] = useState<string | null>(null);
  const [checking, setChecking] = useState(false);

  // Providers of one type may each have a format of their own: they are then products of their own.
  const offered = products.filter(({ type }) => type === draft.productType);
  const product = offered.find(({ providers }) => providers.some(({ code }) => code === draft.providerCode));
  const providers = offered.flatMap((one) => one.providers);
  const types = [...new Set(products.map(({ type }) => type))];
  const firstProvider = (wanted: ProductType) =>
    products.find(({ type }) => type === wanted)?.providers[0]?.code ?? '';
  const account = accounts.find(({ id }) => id === draft.accountId);
  if (product === undefined) return <p>{texts.shopUnavailable}</p>;

  const fit = fitOf(product.subscriberId, withoutSpaces(draft.identifier));
  const wrong = wrongFields(draft, fit, texts);
  const { beside, rest } = besideFields(refused);
  // What is plainly too much is told while it is typed, what may yet become right once the field is left.
  const told = (field: Field) =>
    beside[field] ??
    (left.has(field) || (field === 'identifier' && (fit.fit === 'long' || fit.fit === 'misfit'))
      ? wrong[field]
      : undefined);
  const change = (field: Field, value: string) => {
    setDraft({ ...draft, [field]: value });
    setRefused(null);
    setUnanswered(null);
  };
  const leave = (field: Field) => {
    if (draft[field] !== '') setLeft(new Set([...left, field]));
  };

  const check = async () => {
    setLeft(new Set<Field>(['identifier', 'amount', 'phone', 'providerCode', 'accountId']));
    const first = Object.keys(wrong)[0];
    if (first !== undefined) return form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
    setChecking(true);
    setRefused(null);
    setUnanswered(null);
    const input = inputOf(draft, account?.currency ?? 'BWP', texts.locale);
    const { data, error } = await client.mutation(Validate, { input }).toPromise();
    setChecking(false);
    const answer = data?.validatePurchase;
    if (answer?.__typename === 'Quote') {
      onQuote(answer, draft);
      return;
    }
    if (answer?.__typename === 'Problem') {
      setRefused(answer);
      return;
    }
    setUnanswered(error?.graphQLErrors[0]?.message ?? texts.connectionLost);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!checking) void check();
  };

  const { minLength: min, maxLength: max, hint } = product.subscriberId;
  const length = withoutSpaces(draft.identifier).length;
  return (
    <form ref={form} noValidate onSubmit={submit} aria-busy={checking}>
      <h2 id="screen">{texts.newPurchase}</h2>
      <fieldset className="choices">
        <legend>{texts.product}</legend>
        {types.map((type) => (
          <label key={type} className="choice">
            <input
              type="radio"
              name="productType"
              value={type}
              checked={type === draft.productType}
              onChange={() => {
                setDraft({ ...draft, productType: type, providerCode: firstProvider(type) });
                setLeft(new Set());
                setRefused(null);
              }}
            />
            <span>{texts.products[type]}</span>
          </label>
        ))}
      </fieldset>
      {providers.length > 1 && (
        <label className="field">
          <span className="label">{texts.provider}</span>
          <select
            name="providerCode"
            value={draft.providerCode}
            onChange={(event) => change('providerCode', event.target.value)}
          >
            {providers.map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
          {told('providerCode') !== undefined && <span className="wrong">{told('providerCode')}</span>}
        </label>
      )}
      <TextField
        name="identifier"
        label={texts.identifiers[product.type]}
        hint={min !== null && max !== null ? texts.digits(min, max) : hint}
        count={length === 0 ? undefined : texts.typed(length)}
        good={fit.fit === 'yes' && told('identifier') === undefined ? texts.fits : undefined}
        wrong={told('identifier')}
        value={draft.identifier}
        inputMode="numeric"
        onChange={(value) => change('identifier', value)}
        onLeave={() => leave('identifier')}
      />
      <TextField
        name="amount"
        label={texts.amount}
        unit={account?.currency}
        wrong={told('amount')}
        value={draft.amount}
        inputMode="decimal"
        onChange={(value) => change('amount', value)}
        onLeave={() => leave('amount')}
      />
      <TextField
        name="phone"
        label={texts.phone}
        hint={texts.phoneHint}
        wrong={told('phone')}
        value={draft.phone}
        inputMode="tel"
        onChange={(value) => change('phone', value)}
        onLeave={() => leave('phone')}
      />
      <div className="field">
        <label className="label" htmlFor="accountId">
          {texts.payFrom}
        </label>
        <select
          id="accountId"
          name="accountId"
          value={draft.accountId}
          aria-describedby="account-told"
          onChange={(event) => change('accountId', event.target.value)}
        >
          {accounts.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <span id="account-told" className="below">
          {account !== undefined && <Balance accountId={account.id} />}
          {told('accountId') !== undefined && <span className="wrong">{told('accountId')}</span>}
        </span>
      </div>
      <Refusal message={rest ?? unanswered} />
      <div className="actions">
        <button type="submit" className="main" aria-disabled={checking}>
          {checking
            ? texts.checking
            : (refused?.retryable ?? false) || unanswered !== null
              ? texts.tryAgain
              : texts.check}
        </button>
      </div>
    </form>
  );
}

function Refusal({ message }: { message: string | null }) {
  return <div role="alert">{message !== null && <p className="notice bad">{message}</p>}</div>;
}

function emptyDraft(accounts: readonly Account[], products: readonly Product[]): Draft {
  const account = accounts.find(({ category }) => category === 'CURRENT') ?? accounts[0];
  const product = products[0];
  return {
    productType: product?.type ?? 'ELECTRICITY',
    providerCode: product?.providers[0]?.code ?? '',
    accountId: account?.id ?? '',
    identifier: '',
    amount: '',
    phone: '',
  };
}

function wrongFields(draft: Draft, fit: Fit, texts: Texts): FieldMessages {
  const identifier = misfit(fit, texts);
  return {
    ...(identifier === null ? {} : { identifier }),
    ...(amountFits(draft.amount.trim())
      ? {}
      : { amount: draft.amount === '' ? texts.empty : texts.amountWrong }),
    ...(phoneFits(draft.phone) ? {} : { phone: draft.phone === '' ? texts.empty : texts.phoneWrong }),
  };
}

function misfit(fit: Fit, texts: Texts): string | null {
  switch (fit.fit) {
    case 'yes':
      return null;
    case 'empty':
      return texts.empty;
    case 'short':
      return texts.short(fit.length, fit.bound);
    case 'long':
      return texts.long(fit.length, fit.bound);
    case 'misfit':
      return texts.misfit;
  }
}

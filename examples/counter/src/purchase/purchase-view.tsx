import { useState } from 'react';
import { useMutation, useSubscription } from 'urql';

import { Retry, WatchPurchase, type Problem, type Purchase } from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { CopyButton } from './copy-button.tsx';
import { Heading } from './heading.tsx';
import { Receipt } from './receipt.tsx';
import { uncharged } from './uncharged.ts';

interface PurchaseViewProps {
  readonly id: string;
  readonly shop: string;
  /** The next customer, while this one is still open. */
  readonly onNext: () => void;
  /** The outcome was seen. */
  readonly onSeen: () => void;
  /** Refused: back to the form. */
  readonly onChange: (problem: Problem | null) => void;
}

/** A purchase that the gateway has recorded, live until it is settled. */
export function PurchaseView({ id, shop, onNext, onSeen, onChange }: PurchaseViewProps) {
  const texts = useTexts();
  const [{ data, error }, watchAgain] = useSubscription({ query: WatchPurchase, variables: { id } });
  const [{ data: asked, fetching: asking, error: unasked }, retry] = useMutation(Retry);
  const answer = asked?.retryPurchase;
  const purchase = latest(data?.purchaseUpdated, answer?.__typename === 'Purchase' ? answer : undefined);
  const refusal = answer?.__typename === 'Problem' ? answer.message : unasked?.graphQLErrors[0]?.message;
  const [unanswered, setUnanswered] = useState(false);

  const askAgain = async () => {
    if (asking) return;
    const result = await retry({ input: { id } });
    setUnanswered(result.error?.networkError !== undefined);
    // It ended when the purchase was settled; this one may be again.
    watchAgain();
  };

  if (purchase === undefined) {
    return (
      <div className="outcome">
        <div role="status">
          <Heading>{texts.sending}</Heading>
          <p>{error === undefined ? texts.loading : texts.gone}</p>
        </div>
        {error !== undefined && (
          <button type="button" onClick={onSeen}>
            {texts.newPurchase}
          </button>
        )}
      </div>
    );
  }
  const { status, problem, canRetry, reference } = purchase;
  const told = outcome(purchase, texts);
  return (
    <div className={`outcome ${status.toLowerCase()}`}>
      <div role="status">
        <Heading>{told.title}</Heading>
        {told.text !== null && <p className={`notice ${told.tone}`}>{told.text}</p>}
        {status === 'PENDING' && <div className="progress" />}
        {refusal !== undefined && <p className="notice bad">{refusal}</p>}
        {unanswered && <p className="notice bad">{texts.connectionLost}</p>}
      </div>
      {status === 'SUCCEEDED' ? (
        <Receipt purchase={purchase} shop={shop} />
      ) : (
        <p className="reference">
          {texts.reference}: <span className="digits">{reference}</span>
          {status === 'NEEDS_ATTENTION' && <CopyButton text={reference} label={texts.copyReference} />}
        </p>
      )}
      <div className="actions">
        {canRetry && (
          <button
            type="button"
            className={status === 'UNRESOLVED' ? '' : 'main'}
            aria-disabled={asking}
            onClick={() => void askAgain()}
          >
            {asking ? texts.asking : status === 'FAILED' ? texts.tryAgain : texts.askAgain}
          </button>
        )}
        {status === 'SUCCEEDED' && (
          <>
            <button type="button" className="main" onClick={() => window.print()}>
              {texts.print}
            </button>
            <button type="button" onClick={onSeen}>
              {texts.newPurchase}
            </button>
          </>
        )}
        {status === 'FAILED' && (
          <button type="button" className={canRetry ? '' : 'main'} onClick={() => onChange(problem)}>
            {texts.changeDetails}
          </button>
        )}
        {(status === 'UNRESOLVED' || status === 'NEEDS_ATTENTION') && (
          <button type="button" onClick={onNext} aria-describedby="still-listed">
            {texts.nextCustomer}
          </button>
        )}
      </div>
      {(status === 'UNRESOLVED' || status === 'NEEDS_ATTENTION') && (
        <p id="still-listed" className="hint">
          {texts.stillListed}
        </p>
      )}
    </div>
  );
}

function latest(one: Purchase | undefined, other: Purchase | undefined): Purchase | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.updatedAt >= other.updatedAt ? one : other;
}

interface Told {
  readonly title: string;
  readonly text: string | null;
  readonly tone: 'bad' | 'doubt' | 'calm';
}

function outcome({ status, problem }: Purchase, texts: ReturnType<typeof useTexts>): Told {
  switch (status) {
    case 'PENDING':
      return { title: texts.sending, text: texts.sendingText, tone: 'calm' };
    case 'SUCCEEDED':
      return { title: texts.bought, text: null, tone: 'calm' };
    case 'FAILED':
      return {
        title: texts.failed,
        text: uncharged(problem?.message ?? '', texts.nothingCharged),
        tone: 'bad',
      };
    case 'UNRESOLVED':
      return { title: texts.unresolved, text: texts.unresolvedText, tone: 'doubt' };
    case 'NEEDS_ATTENTION':
      return { title: texts.needsAttention, text: texts.needsAttentionText, tone: 'doubt' };
  }
}

import { useEffect, useState } from 'react';

import { useTexts } from '../i18n/language.tsx';
import { confirm } from './confirm.ts';
import { Heading } from './heading.tsx';
import { note, type Intent } from './intents.ts';
import { uncharged } from './uncharged.ts';

/** From the button until the gateway has recorded the purchase, or refused to. */
export function IntentView({ intent, onChange }: { intent: Intent; onChange: () => void }) {
  const texts = useTexts();
  const [thrown, setThrown] = useState<string | null>(null);
  const waiting = intent.refusal === null && thrown === null;

  useEffect(() => {
    if (waiting) confirm(intent).catch((error: unknown) => setThrown(String(error)));
  }, [intent, waiting]);

  if (waiting) {
    return (
      <div role="status" className="outcome">
        <Heading>{texts.sending}</Heading>
        <p>{texts.sendingText}</p>
        <div className="progress" />
      </div>
    );
  }
  // The same key again: whatever became of the first, it is bought once.
  const again = () => {
    setThrown(null);
    note(intent.key, { refusal: null });
  };
  return (
    <div className="outcome">
      <div role="alert">
        <Heading>{intent.refusal === null ? texts.unresolved : texts.failed}</Heading>
        {intent.refusal === null ? (
          <p className="notice doubt">
            {texts.asked} {thrown}
          </p>
        ) : (
          <p className="notice bad">{uncharged(intent.refusal.message, texts.nothingCharged)}</p>
        )}
      </div>
      <div className="actions">
        {(intent.refusal === null || intent.refusal.retryable) && (
          <button type="button" className="main" onClick={again}>
            {texts.tryAgain}
          </button>
        )}
        {intent.refusal !== null && (
          <button type="button" onClick={onChange}>
            {texts.changeDetails}
          </button>
        )}
      </div>
    </div>
  );
}

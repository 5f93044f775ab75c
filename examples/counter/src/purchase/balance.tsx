import { useSubscription } from 'urql';

import { money } from '../format.ts';
import { WatchBalance } from '../gateway/operations.ts';
import { useTexts } from '../i18n/language.tsx';

/** What is in the account, live. Nothing where the surface does not tell it. */
export function Balance({ accountId }: { accountId: string }) {
  const texts = useTexts();
  const [{ data }] = useSubscription({ query: WatchBalance, variables: { id: accountId } });
  const balance = data?.accountUpdated.balance;
  return (
    <span className="hint">
      {texts.balance}: {balance == null ? '…' : money(balance)}
    </span>
  );
}

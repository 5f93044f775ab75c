import type { ResultOf } from 'gql.tada';
import { useEffect } from 'react';
import { useQuery } from 'urql';

import { Shop } from './operations.ts';
import { sockets } from './sockets.ts';

const ASK_AGAIN_MS = 5_000;

/** What there is to buy and to pay with. Asked for until it is there, and at once when the gateway is back. */
export function useShop(): {
  shop: ResultOf<typeof Shop> | undefined;
  /** Why it is not there yet: a sentence, '' when no answer came, null while it is asked for the first time. */
  trouble: string | null;
  askAgain: () => void;
} {
  const [{ data: shop, error, fetching }, execute] = useQuery({ query: Shop });
  const failed = shop === undefined && error !== undefined && !fetching;

  useEffect(() => {
    if (!failed) return undefined;
    const timer = setTimeout(() => execute(), ASK_AGAIN_MS);
    const stopListening = sockets.on('connected', () => execute());
    return () => {
      clearTimeout(timer);
      stopListening();
    };
  }, [failed, execute]);

  return {
    shop,
    trouble: error === undefined ? null : (error.graphQLErrors[0]?.message ?? ''),
    askAgain: () => execute(),
  };
}

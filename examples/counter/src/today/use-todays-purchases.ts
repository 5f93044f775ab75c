import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';

import { PurchaseEvents, PurchasesSince, type Purchase } from '../gateway/operations.ts';
import { sockets } from '../gateway/sockets.ts';

const BEGIN_ANEW_MS = 1_000;

interface Todays {
  /** Newest first. */
  readonly purchases: readonly Purchase[];
  readonly failed: boolean;
  readonly loaded: boolean;
  /** Reads the next page; null when there is none. */
  readonly more: (() => void) | null;
}

/** Today's purchases: the latest page as it is now, and every change since, resumed after a lost connection. */
export function useTodaysPurchases(): Todays {
  const client = useClient();
  const since = useStartOfToday();
  const [known, setKnown] = useState<ReadonlyMap<string, Purchase>>(new Map());
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<'loading' | 'loaded' | 'failed'>('loading');
  // After an error the subscription has ended: it is begun anew.
  const [round, setRound] = useState(0);

  const take = useCallback((purchases: readonly Purchase[]) => {
    setKnown((before) => {
      const after = new Map(before);
      for (const one of purchases) {
        const kept = after.get(one.id);
        if (kept === undefined || kept.updatedAt <= one.updatedAt) after.set(one.id, one);
      }
      return after;
    });
  }, []);
  const load = useCallback(
    (after: string | null) => {
      const answer = client.query(PurchasesSince, { since, after }).toPromise();
      void answer.then(({ data }) => {
        setState(data === undefined ? 'failed' : 'loaded');
        if (data === undefined) return;
        take(data.purchases.edges.map(({ node }) => node));
        setNext(data.purchases.pageInfo.hasNextPage ? data.purchases.pageInfo.endCursor : null);
      });
    },
    [client, since, take],
  );

  useEffect(() => {
    // Until an event has brought a cursor there is nothing to resume from: the list is read at each connection.
    let seen = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopListening = sockets.on('connected', () => {
      if (!seen) load(null);
    });
    const events = client.subscription(PurchaseEvents, { since }).subscribe(({ data, error }) => {
      if (data !== undefined) {
        seen = true;
        take([data.purchaseEvents.purchase]);
      } else if (error !== undefined) {
        // Such as a cursor that this record does not know.
        timer = setTimeout(() => setRound((before) => before + 1), BEGIN_ANEW_MS);
      }
    });
    load(null);
    return () => {
      clearTimeout(timer);
      stopListening();
      events.unsubscribe();
    };
  }, [client, since, load, take, round]);

  const start = Date.parse(since);
  return {
    purchases: [...known.values()]
      .filter(({ createdAt }) => Date.parse(createdAt) >= start)
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt)),
    failed: state === 'failed',
    loaded: state !== 'loading',
    more: next === null ? null : () => load(next),
  };
}

/** Midnight of this day where the shop is. */
function useStartOfToday(): string {
  const [since, setSince] = useState(startOfToday);
  useEffect(() => {
    const timer = setInterval(() => setSince(startOfToday), 60_000);
    return () => clearInterval(timer);
  }, []);
  return since;
}

function startOfToday(): string {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
}

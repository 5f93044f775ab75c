import { onTestFinished } from 'vitest';

import { attemptSuite } from './attempt-suite.ts';
import { beginSuite } from './begin-suite.ts';
import { eventSuite } from './event-suite.ts';
import { byHandSuite } from './by-hand-suite.ts';
import type { OpenJournal } from './fixtures.ts';
import { instanceSuite } from './instance-suite.ts';
import { modelSuite } from './model-suite.ts';
import { pageSuite } from './page-suite.ts';
import { retentionSuite } from './retention-suite.ts';
import { tenantSuite } from './tenant-suite.ts';

/** What every implementation of `Journal` does. `open` gives an empty one. */
export function journalSuite(name: string, open: OpenJournal): void {
  const fresh = async () => {
    const { journal, dispose } = await open();
    onTestFinished(dispose);
    return journal;
  };
  beginSuite(name, fresh);
  attemptSuite(name, fresh);
  eventSuite(name, fresh);
  pageSuite(name, fresh);
  instanceSuite(name, open);
  tenantSuite(name, open);
  byHandSuite(name, fresh);
  retentionSuite(name, fresh);
  modelSuite(name, open);
}

import { journalSuite } from '../journal/journal-suite.ts';
import { MemoryJournal } from './memory-journal.ts';

journalSuite('in memory', () =>
  Promise.resolve({ journal: new MemoryJournal(), dispose: () => Promise.resolve() }),
);

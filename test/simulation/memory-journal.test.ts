import { journalSuite } from '../journal/journal-suite.ts';
import { MemoryJournal, MemoryRecord } from './memory-journal.ts';

journalSuite('in memory', () => {
  const record = new MemoryRecord();
  const as = (instance: string, integration?: string) =>
    Promise.resolve(new MemoryJournal(record, { instance, shared: false, integration }));
  return as('alone').then((journal) => ({ journal, as, dispose: () => Promise.resolve() }));
});

import { describe, expect, it } from 'vitest';

import { assumptions } from '../../probe/catalogue.ts';
import { restsOn } from '../../probe/rests-on.ts';
import { open } from '../sandbox/raw-client.ts';
import { bends } from './bends.ts';
import { bent } from './bent.ts';
import { everything, idsOf, probe } from './run.ts';

/** A bend that no purchase could meet is looked for without any, which takes half the time. */
const mattersToPurchases = (id: string) => /\.(confirm|retry|validate|session|accounts)\./.test(id);

describe('a sandbox that is bent in one assumption', () => {
  it.each([...bends])('is found out: %s, and nothing else', async (id, bend) => {
    const sandbox = await open();
    const url = await bent(sandbox, bend());
    const surface = id.split('.')[0] ?? '';
    const { code, findings, report } = await probe(url, [
      ...everything,
      ...['--surface', surface],
      ...(mattersToPurchases(id) ? [] : ['--without-purchases']),
    ]);
    expect(idsOf(findings, 'DIFFERS')).toEqual([id]);
    expect(code).toBe(1);
    const [chapter = ''] = report.split('## What differs')[1]?.split('\n## ') ?? [];
    expect(chapter).toContain(`### ${id}: `);
    for (const where of restsOn(id).where) expect(chapter).toContain(`\`${where.split(' ')[0] ?? ''}\``);
  });

  it('is one for each assumption that can be tried', async () => {
    const sandbox = await open();
    const { findings } = await probe(sandbox.url, everything);
    expect([...bends.keys()].sort()).toEqual(idsOf(findings, 'HOLDS').sort());
    expect(findings).toHaveLength(assumptions.length);
  });
});

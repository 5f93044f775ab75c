import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { assumptions } from '../../probe/catalogue.ts';
import { restsOn } from '../../probe/rests-on.ts';
import { open } from '../sandbox/raw-client.ts';
import { bends } from './bends.ts';
import { bent } from './bent.ts';
import { everything, probe } from './run.ts';

const page = readFileSync('docs/probe.md', 'utf8');
const upstream = readFileSync('docs/upstream.md', 'utf8');

/** Whether `name` means the assumption, as `--only` reads it. */
const means = (name: string, id: string) =>
  [id, id.replace(/^\w+\./, '')].some((one) => one === name || one.startsWith(`${name}.`));

describe('docs/probe.md', () => {
  it('shows a report as the probe writes it', async () => {
    const noon = Date.parse('2026-03-01T12:00:00Z');
    const now = () => new Date(noon);
    const sandbox = await open({ now });
    const both = ['v1.confirm.token', 'v1.code.meter_debt_outstanding'].map((id) => bends.get(id)?.());
    const url = await bent(sandbox, async (exchange) => {
      for (const bend of both) await bend?.(exchange);
    });
    const { report } = await probe(url, everything, { now });
    const references = new Map<string, string>();
    const sample = report
      .replaceAll(url, 'http://127.0.0.1:4010')
      .replace(/PB-[0-9a-f-]{36}/g, (reference) => {
        const known =
          references.get(reference) ??
          `PB-00000000-0000-7000-8000-${`${references.size + 1}`.padStart(12, '0')}`;
        references.set(reference, known);
        return known;
      });
    await expect(sample).toMatchFileSnapshot('../../docs/probe-report.md');
  });

  it('names every option, and no other', async () => {
    const { out } = await probe('http://127.0.0.1:1', ['--help']);
    const options = [...out.matchAll(/^ {2}(?:-h, )?(--[\w-]+)/gm)].map(([, option]) => option ?? '');
    const named = [...page.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option ?? '');
    expect([...new Set(named)].sort()).toEqual(options.filter((one) => one !== '--help').sort());
  });

  it('counts the assumptions', async () => {
    expect(page).toContain(`${assumptions.length} assumptions`);
    expect(page).toContain(`${bends.size} of them`);
    const { out } = await probe('http://127.0.0.1:1', ['--list']);
    expect(out.trim().split('\n')).toHaveLength(assumptions.length);
  });

  it('shows only commands that are taken', async () => {
    const commands = [...page.matchAll(/^npm run -s probe -- (.*)$/gm)].map(([, argv]) => argv ?? '');
    expect(commands.length).toBeGreaterThan(3);
    for (const argv of commands) {
      const { code, err } = await probe('http://127.0.0.1:1', [...argv.trim().split(/\s+/), '--list']);
      expect([code, err], argv).toEqual([0, '']);
    }
  });
});

describe('docs/upstream.md', () => {
  const section = upstream.split('\n## ').find((one) => one.startsWith('What is assumed')) ?? '';
  const listed = [...section.matchAll(/^\| ((?:`[\w.-]+`(?:, )?)+) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name ?? ''),
  );

  it('lists assumptions by ids that the probe knows', () => {
    expect(listed.length).toBeGreaterThan(20);
    for (const name of listed)
      expect(
        assumptions.some(({ id }) => means(name, id)),
        name,
      ).toBe(true);
  });

  it('lists each that is assumed and that something rests on', () => {
    const assumed = assumptions.filter(({ id, mark }) => mark === 'A' && restsOn(id).stake !== 'NOTHING');
    const missing = assumed.filter(({ id }) => !listed.some((name) => means(name, id)));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });
});

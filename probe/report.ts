import type { Finding, Outcome } from './findings.ts';
import type { WireNames } from './names.ts';
import type { Stake } from './rests-on.ts';
import type { Debit } from './walk.ts';

/** All that a run found. Holds no secret, no token, no phone number. */
export interface Report {
  readonly target: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly surfaces: readonly string[];
  readonly interrupted: boolean;
  readonly findings: readonly Finding[];
  readonly debits: readonly Debit[];
  readonly wire: readonly WireNames[];
}

const stakes: Readonly<Record<Stake, string>> = {
  MONEY: 'Money is at stake',
  WORKS: 'Something fails, or is poorer',
  NOTHING: 'Nothing rests on it',
};
const order: readonly Stake[] = ['MONEY', 'WORKS', 'NOTHING'];

type Of<K extends Outcome['kind']> = Finding & { readonly outcome: Extract<Outcome, { kind: K }> };

export function those<K extends Outcome['kind']>(findings: readonly Finding[], kind: K): readonly Of<K>[] {
  return findings.filter((one): one is Of<K> => one.outcome.kind === kind);
}

export function differing(findings: readonly Finding[]): readonly Of<'DIFFERS'>[] {
  return those(findings, 'DIFFERS').toSorted(
    (one, other) => order.indexOf(one.restsOn.stake) - order.indexOf(other.restsOn.stake),
  );
}

/** 0: all that was tried holds; 1: something differs; 2: it could not run, or not to its end. */
export function exitCodeOf({ findings, interrupted }: Report): 0 | 1 | 2 {
  if (those(findings, 'DIFFERS').length > 0) return 1;
  if (interrupted || those(findings, 'HINDERED').length > 0) return 2;
  return those(findings, 'HOLDS').length > 0 ? 0 : 2;
}

/** In one line. */
export function verdictOf({ findings, interrupted }: Report): string {
  const count = (kind: Outcome['kind']) => those(findings, kind).length;
  const parts = [`${count('HOLDS')} hold`, `${count('DIFFERS')} differ`, `${count('NOT_TRIED')} not tried`];
  if (count('HINDERED') > 0) parts.splice(2, 0, `${count('HINDERED')} could not be tried this time`);
  return `${interrupted ? 'Interrupted. ' : ''}${parts.join(', ')}.`;
}

/** The report as a person reads it: first what to act on, last the evidence. */
export function markdown(report: Report): string {
  const { findings, target, startedAt, endedAt, surfaces } = report;
  const minutes = `${startedAt.slice(0, 16).replace('T', ' ')} to ${endedAt.slice(11, 16)} UTC`;
  return [
    `# ScratchPower as it is: ${escaped(target)}`,
    `${surfaces.join(' and ')}, ${minutes}. **${verdictOf(report)}**`,
    ...differences(findings),
    ...hindered(findings),
    ...debits(report.debits),
    ...notTried(findings),
    ...holding(findings),
    ...wire(report.wire),
  ]
    .join('\n\n')
    .concat('\n');
}

function differences(findings: readonly Finding[]): readonly string[] {
  const differ = differing(findings);
  if (differ.length === 0) return ['## What differs', 'Nothing that was tried.'];
  return [
    '## What differs',
    ...differ.flatMap(({ id, mark, statement, outcome, restsOn }) => [
      `### ${id}: ${stakes[restsOn.stake].toLowerCase()}`,
      [
        `- ${marks[mark]}: ${prose(statement)}`,
        `- expected: ${escaped(outcome.expected)}`,
        `- seen: **${escaped(outcome.seen)}**`,
        ...(restsOn.where.length === 0 ? [] : [`- rests on it: ${restsOn.where.map(place).join('; ')}`]),
        `- then: ${prose(restsOn.change)}`,
      ].join('\n'),
    ]),
  ];
}

const marks = { D: 'documented', A: 'assumed' } as const;

function hindered(findings: readonly Finding[]): readonly string[] {
  const reasons = byReason(those(findings, 'HINDERED'));
  if (reasons.length === 0) return [];
  return ['## What could not be tried this time', reasons.join('\n')];
}

function notTried(findings: readonly Finding[]): readonly string[] {
  const reasons = byReason(those(findings, 'NOT_TRIED'));
  if (reasons.length === 0) return [];
  return ['## What was not tried', reasons.join('\n')];
}

function byReason(findings: readonly Of<'HINDERED' | 'NOT_TRIED'>[]): readonly string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, outcome } of findings) reasons.set(outcome.why, [...(reasons.get(outcome.why) ?? []), id]);
  return [...reasons].map(([why, ids]) => `- ${escaped(why)}: ${ids.map((id) => `\`${id}\``).join(', ')}`);
}

function debits(all: readonly Debit[]): readonly string[] {
  if (all.length === 0) return ['## What was bought', 'Nothing.'];
  return [
    '## What was bought',
    table(
      ['surface', 'what', 'number', 'amount', 'reference', 'ScratchPower’s', 'outcome', 'debited'],
      all.map((one) => [
        ...[one.surface, one.name, one.subscriber, one.amount, one.reference, escaped(one.theirs ?? '')],
        ...[outcomes[one.outcome], one.total ?? ''],
      ]),
    ),
  ];
}

export const outcomes: Readonly<Record<Debit['outcome'], string>> = {
  SENT: 'NOT KNOWN: look it up in the ledger',
  PENDING: 'pending: look it up in the ledger',
  BOUGHT: 'bought',
  REFUSED: 'refused',
  NOT_SENT: 'never sent',
};

function holding(findings: readonly Finding[]): readonly string[] {
  const hold = those(findings, 'HOLDS');
  if (hold.length === 0) return [];
  return [
    '## What holds',
    'D: documented by ScratchPower. A: assumed, until now. Of what was seen only the form is told, 9 for a digit.',
    table(
      ['id', '', 'statement', 'seen'],
      hold.map(({ id, mark, statement, outcome }) => [id, mark, prose(statement), escaped(outcome.seen)]),
    ),
  ];
}

function wire(all: readonly WireNames[]): readonly string[] {
  if (all.length === 0) return [];
  const lines = all.map(({ surface, of, seen, unseen }) => {
    const names = seen.map(({ name, types, known }) => {
      const code = `\`${name}\` ${types.join(' or ')}`;
      return known ? code : `**${code}**`;
    });
    const absent = unseen.length === 0 ? '' : `; not seen: ${unseen.map((name) => `\`${name}\``).join(', ')}`;
    return `- ${surface} ${of}: ${names.join(', ')}${absent}`;
  });
  return [
    '## The wire',
    'Names and types as they came; **bold**: the contract has no such name; not seen: the contract has it.',
    lines.join('\n'),
  ];
}

function place(where: string): string {
  const [file = '', name = ''] = where.split(' ');
  return `\`${file}\` (\`${name}\`)`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/** Our own sentences: their backquotes are meant. */
function prose(text: string): string {
  return text.replace(/[|<]/g, '\\$&');
}

/** Text that an upstream had a part in: it says what it says, and formats nothing. */
function escaped(text: string): string {
  return text.replace(/[|<`*[\]\\]/g, '\\$&').replace(/\s+/g, ' ');
}

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { probeCommand } from '../../probe/command.ts';
import { demoCredentials } from '../../sandbox/oauth.ts';

const finding = z.object({
  id: z.string(),
  statement: z.string(),
  outcome: z.object({
    kind: z.enum(['HOLDS', 'DIFFERS', 'HINDERED', 'NOT_TRIED']),
    seen: z.string().optional(),
    expected: z.string().optional(),
    why: z.string().optional(),
  }),
});
const document = z.object({
  exitCode: z.number(),
  interrupted: z.boolean(),
  findings: z.array(finding),
  debits: z.array(z.record(z.string(), z.unknown())),
});
export type Finding = z.infer<typeof finding>;

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: string;
  /** The Markdown report; empty when there is none. */
  readonly report: string;
  /** The JSON report's text; empty when there is none. */
  readonly json: string;
  readonly findings: readonly Finding[];
  readonly debits: readonly Record<string, unknown>[];
  readonly interrupted: boolean;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the person types who sits there; undefined: nobody does. */
  readonly answer?: string;
  readonly stop?: AbortSignal;
  readonly now?: () => Date;
  /** Hears each line for the person at once. */
  readonly hear?: (line: string) => void;
}

export const environment = (url: string) => ({
  SCRATCHPOWER_BASE_URL: url,
  SCRATCHPOWER_CLIENT_ID: demoCredentials.clientId,
  SCRATCHPOWER_CLIENT_SECRET: demoCredentials.clientSecret,
  SCRATCHPOWER_USERNAME: demoCredentials.username,
  SCRATCHPOWER_PASSWORD: demoCredentials.password,
  SCRATCHPOWER_ORG_CODE: demoCredentials.orgCode,
});

/** The command as `cli/main.ts` runs it, in this process. */
export async function probe(url: string, argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'probe-'));
  const files = { report: join(folder, 'report.md'), json: join(folder, 'report.json') };
  const said = { out: '', err: '', asked: '' };
  const { answer } = options;
  const code = await probeCommand([...argv, '--report', files.report, '--json', files.json], {
    env: { ...environment(url), ...options.env },
    terminal: {
      out: (text) => void (said.out += text),
      err: (text) => {
        said.err += text;
        options.hear?.(text);
      },
      interactive: answer !== undefined,
      ask: (question) => {
        said.asked += question;
        return Promise.resolve(answer ?? '');
      },
    },
    now: options.now ?? (() => new Date()),
    stop: options.stop ?? new AbortController().signal,
    pollMs: 20,
  });
  const [report, json] = await Promise.all(
    Object.values(files).map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  await rm(folder, { recursive: true });
  const parsed = json === undefined || json === '' ? undefined : document.parse(JSON.parse(json));
  return {
    ...said,
    ...{ code, report: report ?? '', json: json ?? '' },
    findings: parsed?.findings ?? [],
    debits: parsed?.debits ?? [],
    interrupted: parsed?.interrupted ?? false,
  };
}

export const idsOf = (findings: readonly Finding[], kind: Finding['outcome']['kind']) =>
  findings.flatMap(({ id, outcome }) => (outcome.kind === kind ? [id] : []));

/** All that can be tried at all. */
export const everything = [
  '--yes',
  '--with-duplicates',
  '--airtime',
  'MASCOM:71436390',
  '--water',
  'WUC:5000001',
];

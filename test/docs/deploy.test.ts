import { existsSync, readFileSync } from 'node:fs';

import { parse, parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { environmentNames, loadConfig } from '../../src/config.ts';
import { startStack, type Stack } from '../support/stack.ts';

const HARD_STOP_S = 5;
const read = (name: string) => readFileSync(`deploy/${name}`, 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));
const secrets = Object.fromEntries(
  ['CLIENT_ID', 'CLIENT_SECRET', 'USERNAME', 'PASSWORD', 'ORG_CODE'].map((name) => [
    `SCRATCHPOWER_${name}`,
    'x',
  ]),
);
const upstream = { ...secrets, SCRATCHPOWER_BASE_URL: 'https://api.example' };
const shutdownS = loadConfig(upstream).shutdownTimeoutMs / 1000;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

describe('deploy/kubernetes.yaml', () => {
  const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
  const resource = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('ConfigMap'), data: z.record(z.string(), z.string()) }),
    z.object({
      kind: z.literal('Deployment'),
      spec: z.object({
        template: z.object({
          metadata: z.object({ labels: z.record(z.string(), z.string()) }),
          spec: z.object({
            terminationGracePeriodSeconds: z.number(),
            containers: z.tuple([
              z.object({
                ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
                lifecycle: z.object({
                  preStop: z.object({
                    exec: z.object({ command: z.tuple([z.literal('sleep'), z.string()]) }),
                  }),
                }),
                startupProbe: probe,
                livenessProbe: probe,
                readinessProbe: probe,
              }),
            ]),
          }),
        }),
      }),
    }),
    z.object({
      kind: z.literal('Service'),
      spec: z.object({
        selector: z.record(z.string(), z.string()),
        ports: z.array(z.object({ targetPort: z.string() })),
      }),
    }),
    z.object({ kind: z.literal('PodDisruptionBudget') }),
    z.object({ kind: z.literal('NetworkPolicy') }),
  ]);
  const text = read('kubernetes.yaml');
  const resources = parseAllDocuments(text).map((document) => resource.parse(document.toJS()));
  const only = <K extends (typeof resources)[number]['kind']>(kind: K) => {
    const found = resources.find((one): one is Extract<typeof one, { kind: K }> => one.kind === kind);
    if (found === undefined) throw new Error(`there is no ${kind}`);
    return found;
  };
  const pod = only('Deployment').spec.template;
  const [container] = pod.spec.containers;

  it('configures a gateway that starts, once it has the secrets that it names', () => {
    const named = [...(/It holds ([^]*?):\n/.exec(text)?.[1] ?? '').matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(
      ([name]) => name,
    );
    for (const name of [...named, ...Object.keys(only('ConfigMap').data)])
      expect(environmentNames).toContain(name);
    const given = {
      ...secrets,
      DATABASE_URL: 'postgres://gateway@db/gateway',
      DATA_KEYS: `a:${'A'.repeat(43)}=`,
    };
    expect(Object.keys(given).sort()).toEqual(named.toSorted());
    const config = loadConfig({ ...only('ConfigMap').data, ...given });
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(ports).toEqual({ http: config.port, metrics: config.metrics?.port });
  });

  it('probes what the gateway answers, and sends callers to it', async () => {
    for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(httpGet.port).toBe('http');
      expect((await fetch(stack.gateway.url + httpGet.path)).status).toBe(200);
    }
    expect(container.livenessProbe.httpGet.path).not.toBe(container.readinessProbe.httpGet.path);
    expect(pod.metadata.labels).toEqual(only('Service').spec.selector);
    expect(only('Service').spec.ports.map(({ targetPort }) => targetPort)).toEqual(['http']);
  });

  it('gives it time to stop', () => {
    const before = Number(container.lifecycle.preStop.exec.command[1]);
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(before + shutdownS + HARD_STOP_S);
  });
});

describe('deploy/scratchpower-gateway.service', () => {
  const unit = read('scratchpower-gateway.service');
  const valuesOf = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

  it('starts what `npm run serve` starts, with an environment that there is', () => {
    expect(valuesOf('ExecStart')).toEqual([`/usr/bin/${scripts['serve'] ?? ''}`]);
    const environment = Object.fromEntries(
      valuesOf('Environment').map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
    );
    for (const name of Object.keys(environment)) expect(environmentNames).toContain(name);
    const config = loadConfig({ ...upstream, ...environment });
    const folder = `/var/lib/${valuesOf('StateDirectory')[0] ?? ''}/gateway.db`;
    expect(config.database).toEqual({ kind: 'sqlite', path: folder });
    expect(config.metrics).toEqual({ host: '127.0.0.1', port: 9464 });
  });

  it('gives it time to stop', () => {
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(shutdownS + HARD_STOP_S);
  });
});

describe('deploy/Containerfile', () => {
  const file = read('Containerfile');

  it('copies files that there are, and starts what `npm run serve` starts', () => {
    const copied = [...file.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied.length).toBeGreaterThan(4);
    for (const name of copied) expect(existsSync(name), name).toBe(true);
    const command = z.array(z.string()).parse(JSON.parse(/^CMD (.*)$/m.exec(file)?.[1] ?? ''));
    expect(command.join(' ')).toBe(scripts['serve']);
  });

  it('sets only what there is to set', () => {
    const pairs = [...file.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
    const names = pairs.map((pair) => pair.split('=')[0] ?? '');
    expect(names).toEqual(['DATABASE_URL', 'HOST', 'PORT']);
    for (const name of names) expect(environmentNames).toContain(name);
  });
});

it('deploy/prometheus.yaml scrapes where the unit serves metrics, under the name that the rules ask for', () => {
  const { scrape_configs: jobs } = z
    .object({
      rule_files: z.tuple([z.literal('prometheus-rules.yaml')]),
      scrape_configs: z.tuple([
        z.object({
          job_name: z.string(),
          static_configs: z.array(z.object({ targets: z.array(z.string()) })),
        }),
      ]),
    })
    .parse(parse(read('prometheus.yaml')));
  expect(read('prometheus-rules.yaml')).toContain(`up{job="${jobs[0].job_name}"}`);
  expect(jobs[0].static_configs).toEqual([{ targets: ['127.0.0.1:9464'] }]);
});

import { readFileSync } from 'node:fs';

import { parse } from 'yaml';
import { z } from 'zod';

const rulesFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['page', 'warn']) }),
          annotations: z.object({ summary: z.string() }),
        }),
      ),
    }),
  ),
});
const dashboardFile = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});

/** Every alert of deploy/prometheus-rules.yaml, with its thresholds. */
export const rules = rulesFile
  .parse(parse(readFileSync('deploy/prometheus-rules.yaml', 'utf8')))
  .groups.flatMap((group) => group.rules);

/** Every query of deploy/grafana-dashboard.json, with all integrations chosen. */
export const panels = dashboardFile
  .parse(JSON.parse(readFileSync('deploy/grafana-dashboard.json', 'utf8')))
  .panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ title, expr: expr.replaceAll('$integration', '.*') })),
  );

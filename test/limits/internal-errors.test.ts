import { createYoga, type Plugin } from 'graphql-yoga';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

import { internalErrors } from '../../src/http/internal-errors.ts';
import { schema } from '../../src/schema/index.ts';

describe('what nobody has caught', () => {
  it('is logged, and the client is told only that it happened', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const broken: Plugin = {
      onResultProcess: () => {
        throw new Error('the secret of the house');
      },
    };
    const yoga = createYoga({ schema, plugins: [internalErrors(log), broken], logging: false });
    const response = await yoga.fetch('http://localhost/graphql?query={__typename}');
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(text).not.toMatch(/secret|at .*\.ts/);
    expect(lines.join('')).toContain('the secret of the house');
  });
});

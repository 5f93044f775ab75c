// --import this: tells on standard error each module of OpenTelemetry, prom-client and pino-pretty that is loaded.
import { register } from 'node:module';

register(
  `data:text/javascript,${encodeURIComponent(`
    import { writeSync } from 'node:fs';
    export async function load(url, context, next) {
      const name = /node_modules\\/(@opentelemetry\\/[^/]+|prom-client|pino-pretty)\\//.exec(url)?.[1];
      if (name !== undefined) writeSync(2, 'LOADED ' + name + '\\n');
      return next(url, context);
    }
  `)}`,
);

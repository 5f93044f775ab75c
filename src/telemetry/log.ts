import { pino, type DestinationStream, type Level, type Logger } from 'pino';

/**
 * JSON lines on standard output, or lines for people. Whatever is logged by mistake under a secret's name is redacted (R9).
 */
export async function createLog(
  level: Level | 'silent',
  format: 'json' | 'pretty' = 'json',
): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: isoTime(),
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  };
  if (format === 'json') return pino(options, gathering());
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' }));
}

/** As pino.stdTimeFunctions.isoTime, which makes a date of each line: most come in the millisecond of another. */
function isoTime(): () => string {
  let at = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

const STDOUT = 1;
/** Characters that wait to be written: while nobody takes what is written, the gateway goes on and later lines are dropped. */
const MOST_UNWRITTEN = 16_000_000;
/** Characters that are written at once in any case. */
const GATHERED = 8_192;
const GATHER_MS = 10;

/**
 * Lines are written beside the event loop, and that is a tenth of what a request costs: the first at once, those that follow
 * within some milliseconds together. What waits is written before the process exits.
 */
function gathering(): DestinationStream {
  const destination = pino.destination({
    ...{ dest: STDOUT, sync: false },
    ...{ minLength: GATHERED, maxLength: MOST_UNWRITTEN },
  });
  let isGathering = false;
  let waits = false;
  const flush = () => {
    waits = false;
    destination.flush();
    setTimeout(end, GATHER_MS).unref();
  };
  const end = () => {
    if (waits) flush();
    else isGathering = false;
  };
  return {
    write: (line) => {
      destination.write(line);
      waits = true;
      if (isGathering) return;
      isGathering = true;
      flush();
    },
  };
}

const SECRETS = [
  ...[
    'password',
    'clientSecret',
    'client_secret',
    'secret_pass',
    'authorization',
    'access_token',
    'refresh_token',
  ],
  ...['token', 'tokens', 'digits', 'body', 'answer', 'beneficiaryPhoneNumber', 'beneficiary_phone_number'],
];

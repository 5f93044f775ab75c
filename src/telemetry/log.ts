import { pino, type Level, type Logger } from 'pino';

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
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  };
  if (format === 'json')
    return pino(options, pino.destination({ dest: STDOUT, sync: false, maxLength: MOST_UNWRITTEN }));
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' }));
}

const STDOUT = 1;
/**
 * Characters that wait to be written: while nobody takes what is written, the gateway goes on and later lines are dropped.
 * Lines are written beside the event loop, many at once; what waits is written before the process exits.
 */
const MOST_UNWRITTEN = 16_000_000;

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

import { demand, need, skip, type Assumption } from '../assumption.ts';
import { show, word } from '../show.ts';
import { BAD_TOKEN } from '../side.ts';
import { at, type Dialect } from '../surfaces.ts';
import { errorOf, said, type Reply } from '../wire.ts';

const DAY_S = 86_400;
const MINUTE_S = 60;
/** Clocks and a slow answer may lie between. */
const SLACK_S = 120;

/** Login, refresh, and how long what they give is good. */
export function sessionAssumptions({ surface, paths }: Dialect): readonly Assumption[] {
  const id = (name: string) => `${surface}.session.${name}`;
  return [
    {
      ...{ id: id('login'), surface, mark: 'D' },
      statement: `POST ${paths.login} answers access_token, token_type "bearer", refresh_token and scope "read write"`,
      async try(side) {
        const reply = await side.login();
        need(![400, 401, 403].includes(reply.status), `${said(reply)}: are these credentials right?`);
        return grantIn(reply);
      },
    },
    {
      ...{ id: id('lifetime'), surface, mark: 'D' },
      statement: 'access_in is the access token’s lifetime in seconds',
      async try(side) {
        const { json } = await side.login();
        const seconds = at(json, 'access_in');
        demand(typeof seconds === 'number', 'a number of seconds', show(seconds));
        const plausible = seconds >= MINUTE_S && seconds <= DAY_S;
        demand(plausible, 'seconds, from a minute to a day', `the number ${seconds}`);
        const expiry = expiryOf(at(json, 'access_token'));
        if (expiry === undefined) return `${seconds} s`;
        const left = expiry - side.walk.now().getTime() / 1000;
        const agrees = Math.abs(left - seconds) <= SLACK_S;
        demand(agrees, `the token to expire in ${seconds} s`, `a token that says ${Math.round(left)} s`);
        return `${seconds} s, and the token itself says so`;
      },
    },
    {
      ...{ id: id('refresh'), surface, mark: 'D' },
      statement: `POST ${paths.refresh} answers as the login does, with a new refresh_token`,
      async try(side) {
        const { second, refreshed } = await side.story();
        const seen = grantIn(refreshed);
        const renewed = at(refreshed.json, 'refresh_token') !== at(second.json, 'refresh_token');
        demand(renewed, 'another refresh_token', 'the same one again');
        return seen;
      },
    },
    {
      ...{ id: id('refresh-once'), surface, mark: 'D' },
      statement: 'a refresh token is good for one use',
      async try(side) {
        const { reused, refreshed } = await side.story();
        need(refreshed.status < 300, `the first use was refused: ${said(refreshed)}`);
        const refused = reused.status >= 400 && reused.status < 500;
        demand(refused, 'the second use to be refused with a 4xx', said(reused));
        return said(reused);
      },
    },
    {
      ...{ id: id('overlap'), surface, mark: 'A' },
      statement: 'an access token stays good after its session was refreshed',
      async try(side) {
        const { oldStill, refreshed } = await side.story();
        need(refreshed.status < 300, `the refresh was refused: ${said(refreshed)}`);
        demand(oldStill.status === 200, 'HTTP 200 with the older token', said(oldStill));
        return said(oldStill);
      },
    },
    {
      ...{ id: id('parallel'), surface, mark: 'A' },
      statement: 'a second login of the same user leaves the first session good',
      async try(side) {
        const { firstStill } = await side.story();
        demand(firstStill.status === 200, 'HTTP 200 with the first session’s token', said(firstStill));
        return said(firstStill);
      },
    },
    {
      ...{ id: id('logout'), surface, mark: 'D' },
      statement: `DELETE ${paths.logout} is accepted`,
      async try(side) {
        const { logout } = await side.story();
        demand(logout.status < 300, 'a 2xx', said(logout));
        return said(logout);
      },
    },
    {
      ...{ id: id('unauthorized'), surface, mark: surface === 'v1' ? 'A' : 'D' },
      statement:
        surface === 'v1'
          ? 'a bad access token is refused with HTTP 401, authentication_error'
          : 'a bad access token is refused with HTTP 401, code 110 or 158',
      async try(side) {
        const reply = await side.get('me', paths.me, { token: BAD_TOKEN });
        const told = errorOf(reply.json, surface);
        const right =
          surface === 'v1'
            ? told?.type === 'authentication_error'
            : ['110', '158'].includes(told?.code ?? '');
        const expected = surface === 'v1' ? 'HTTP 401 authentication_error' : 'HTTP 401 with 110 or 158';
        demand(reply.status === 401 && right, expected, said(reply));
        return said(reply);
      },
    },
    {
      ...{ id: id('wrong-login'), surface, mark: surface === 'v1' ? 'A' : 'D' },
      statement: 'wrong credentials are refused with HTTP 400, 401 or 403, and an error envelope',
      try: () => skip('a wrong login may lock the user; try it once by hand'),
    },
  ];
}

/** What a login or a refresh granted. */
function grantIn(reply: Reply): string {
  const { status, json } = reply;
  demand(status === 200, 'HTTP 200', said(reply));
  const access = at(json, 'access_token');
  const usable = typeof access === 'string' && /^[\x21-\x7e]+$/.test(access);
  demand(usable, 'an access_token that a header can carry', usable ? '' : `access_token: ${typeof access}`);
  const refresh = at(json, 'refresh_token');
  const isText = typeof refresh === 'string' && refresh !== '';
  demand(isText, 'a refresh_token', `refresh_token: ${refresh === '' ? 'empty' : typeof refresh}`);
  const type = at(json, 'token_type');
  demand(type === 'bearer', 'token_type "bearer"', `token_type: ${word(type)}`);
  const scope = at(json, 'scope');
  demand(scope === 'read write', 'scope "read write"', `scope: ${word(scope)}`);
  return 'HTTP 200, bearer, "read write"';
}

/** When a JWT says that it expires, in seconds of the epoch; undefined when the token is none. */
function expiryOf(token: unknown): number | undefined {
  const payload = typeof token === 'string' ? token.split('.')[1] : undefined;
  if (payload === undefined) return undefined;
  try {
    const expiry = at(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')), 'exp');
    return typeof expiry === 'number' ? expiry : undefined;
  } catch {
    return undefined;
  }
}

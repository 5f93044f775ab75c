/**
 * What is at stake when an assumption does not hold. MONEY: a purchase may be misread, or debited twice. WORKS: something
 * fails, or is poorer. NOTHING: no line of the gateway depends on it.
 */
export type Stake = 'MONEY' | 'WORKS' | 'NOTHING';

export interface RestsOn {
  readonly stake: Stake;
  /** "file name": a name that stands in that file. */
  readonly where: readonly string[];
  /** What happens when it does not hold, and what to change then. */
  readonly change: string;
}

const v1Wire = 'src/datasources/v1/wire.ts';
const currentWire = 'src/datasources/current/wire.ts';
const session = 'src/datasources/session.ts';
const failure = 'src/datasources/failure.ts';
const values = 'src/datasources/wire-values.ts';
const v1Client = 'src/datasources/v1/client.ts';
const currentClient = 'src/datasources/current/client.ts';
const meters = 'sandbox/meters.ts';

const money = (change: string, ...where: string[]): RestsOn => ({ stake: 'MONEY', where, change });
const works = (change: string, ...where: string[]): RestsOn => ({ stake: 'WORKS', where, change });
const nothing = (change: string, ...where: string[]): RestsOn => ({ stake: 'NOTHING', where, change });

/** By the assumption's id, or by the id without its surface or without its last part; the nearest is meant. */
const table: Readonly<Record<string, RestsOn>> = {
  'session.login': works(
    'No session, no call: let tokenAnswer read what came, and Session.#login send what is asked for.',
    `${session} tokenAnswer`,
  ),
  'session.lifetime': works(
    'Sessions are renewed too late (calls meet a 401 first) or all the time: convert access_in in Session.#ask.',
    `${session} access_in`,
  ),
  'session.refresh': works(
    'Each renewal is a login: correct the refresh body or what tokenAnswer reads of its answer.',
    `${session} refresh_token`,
  ),
  'session.refresh-once': nothing('The gateway sends each refresh token once, and may go on doing so.'),
  'session.overlap': works(
    'Calls go on with the old token while a new one is fetched, and meet a 401, which costs one more session: let Session.#valid wait for the new one.',
    `${session} #valid`,
  ),
  'session.parallel': money(
    'Each surface and each instance logs in by itself: they end one another’s sessions, and a confirm that meets a second 401 is FAILED. One shared session for all is needed: Session, and its two makers in SurfaceClient.',
    `${session} Session`,
    'src/datasources/surface-client.ts Session',
  ),
  'session.logout': nothing('The gateway never logs out.'),
  'session.unauthorized': money(
    'A 401 is answered by a new session and by sending again. With another status a confirm is FAILED or UNRESOLVED at each expiry; and if a 401 can come after processing, a confirm is sent twice: Session.send and readEvidence.',
    `${session} send`,
    `${failure} readEvidence`,
  ),
  'session.wrong-login': works(
    'Refused credentials are tried again without a pause, which may lock the user: #loginRefused.',
    'src/datasources/surface-client.ts #loginRefused',
    `${session} #login`,
  ),
  'me.who': works(
    '`viewer` cannot be read without a username: correct `me`.',
    `${v1Wire} me`,
    `${currentWire} me`,
  ),
  'me.organisation': works(
    '`viewer.organisation` is null: correct `me`.',
    `${v1Wire} me`,
    `${currentWire} me`,
  ),
  'me.no-accounts': nothing('v1’s accounts are read from /v1/accounts.'),
  'current.me.accounts': works(
    '`accounts` on CURRENT cannot be read: correct accountsOfMe, which reads them as v1’s.',
    `${currentClient} accountsOfMe`,
    `${v1Wire} account`,
  ),
  'current.me.kinds': works(
    'category becomes OTHER, rank 0: correct `account`, or give Current one of its own.',
    `${v1Wire} account`,
  ),
  'current.me.same-accounts': money(
    'An account’s id names it on both surfaces: a purchase on the other surface would debit another account or be refused. The surface must become a part of the id.',
    'src/schema/global-id.ts resolveGlobal',
  ),
  'accounts.list': works('`accounts` cannot be read: correct `account`.', `${v1Wire} account`),
  'accounts.kinds': works(
    'An unknown category becomes OTHER: add it to accountCategories and to the schema.',
    `${v1Wire} account`,
    'src/purchases/catalogue.ts accountCategories',
  ),
  'accounts.balance': works(
    'parseMoney also reads thousands separators; a balance in any other form is shown as null: widen parseMoney.',
    `${values} parseMoney`,
  ),
  'accounts.one': nothing('The gateway reads the list.'),
  'accounts.not-yours': nothing('The gateway never asks for one account.'),
  'error.not-found': works('The type is told by the HTTP status instead: extend `types`.', `${v1Wire} types`),
  'products.list': works(
    'Such a product is passed over, or shown by its type: correct `product`.',
    `${v1Wire} product`,
  ),
  'products.types': works(
    'A product of another type is passed over: add it to productTypes and to the schema.',
    `${v1Wire} products`,
    'src/purchases/catalogue.ts productTypes',
  ),
  'products.format': works(
    'Numbers are not checked, or good ones are refused, before anything is sent: correct `product`.',
    `${v1Wire} product`,
    'src/purchases/catalogue.ts pattern',
  ),
  'products.electricity': works(
    'Current’s fixed catalogue names BPC and its formats: correct `electricity`.',
    `${currentWire} electricity`,
  ),
  'validate.answer': works(
    'Without `transaction` the answer “could not be understood”; without an owner, nobody’s name is shown: correct `priced`.',
    `${v1Wire} priced`,
    `${currentWire} priced`,
  ),
  'validate.owner': works(
    'The owner is not shown before the purchase: correct `priced`.',
    `${v1Wire} priced`,
    `${currentWire} priced`,
  ),
  'validate.money': works(
    'parseMoney also reads thousands separators; a charge in any other form is shown as null: widen parseMoney.',
    `${values} parseMoney`,
  ),
  'validate.entry': money(
    'The amount is sent in currency units: were it read as cents, customers would pay a hundredth or a hundredfold. Correct the body’s amount.',
    `${v1Client} purchaseBody`,
    `${currentClient} topupBody`,
  ),
  'validate.decimals': works(
    'Amounts with thebe are refused by ScratchPower: refuse them first, or correct how the amount is written.',
    'src/datasources/json.ts jsonWith',
    'src/purchases/input.ts amount',
  ),
  'validate.charges-on-top': works(
    'Quotes are shown as they come; the docs and the sandbox say otherwise.',
    `${meters} price`,
  ),
  'validate.charges-deducted': works(
    'Quotes are shown as they come; the docs and the sandbox say otherwise.',
    `${meters} price`,
  ),
  'validate.charges-default': nothing(
    'The gateway always sends charges_on_top_flag.',
    `${v1Client} charges_on_top_flag`,
  ),
  'validate.free': money(
    'Validate is repeated at will, and would be paid for each time: it must be sent as a confirm is.',
    'src/purchases/service.ts validate',
  ),
  meter: nothing('ScratchPower’s own test meters; the sandbox imitates them.', `${meters} testSubscribers`),
  code: nothing(
    'A code is handed on as it is; the sandbox and the docs name it so.',
    `${meters} testSubscribers`,
  ),
  'error.envelope': money(
    'An envelope that cannot be read makes every refusal UNRESOLVED: correct errorWire.',
    `${v1Wire} errorWire`,
    `${currentWire} errorWire`,
  ),
  'error.validation': works(
    'The type is told by the HTTP status instead: extend `types`.',
    `${v1Wire} types`,
  ),
  'error.param': works('The wrong field is not named to the frontend: extend `paths`.', `${failure} paths`),
  'error.rate-limit': money(
    'A 429 with an envelope counts as refused, so that the purchase is FAILED: make it UNKNOWN in readEvidence.',
    `${failure} readEvidence`,
  ),
  'current.error.empty': works(
    'Its type is told by the HTTP status: extend `types`.',
    `${currentWire} types`,
  ),
  'current.error.phone': works(
    'The phone’s field is not named: correct `implied`.',
    `${currentWire} implied`,
  ),
  'current.error.account': works(
    'The account’s field is not named: correct `implied`.',
    `${currentWire} implied`,
  ),
  'current.error.currency': works(
    'The currency’s field is not named: correct `implied`.',
    `${currentWire} implied`,
  ),
  'confirm.status': money(
    'Any other word is UNRESOLVED, and NEEDS_ATTENTION in the end: teach it to readTold.',
    `${failure} readTold`,
    `${v1Wire} toldBy`,
    `${currentWire} toldBy`,
  ),
  'confirm.reference': money(
    'An answer that names another reference is UNRESOLVED, and retry asks for one that is unknown there: shorten the reference, or compare what is kept of it.',
    `${failure} readTold`,
    'src/purchases/service.ts reference',
  ),
  'confirm.their-reference': works(
    'ScratchPower’s reference is missing from the record and the statement: correct toldBy.',
    `${v1Wire} toldBy`,
    `${currentWire} toldBy`,
  ),
  'confirm.subscriber': money(
    'An answer that names another meter is UNRESOLVED: compare as ScratchPower writes it.',
    `${failure} readTold`,
  ),
  'confirm.token': money(
    'What is not read as digits is UNRESOLVED; digits are kept whatever their number, but shown in groups of four: correct parseTokens.',
    `${values} parseTokens`,
  ),
  'confirm.key-change': money(
    'Customers key in the wrong token first, or lack one: correct parseTokens and kindOf.',
    `${values} parseTokens`,
    `${values} kindOf`,
  ),
  'confirm.airtime': money(
    'What is not read as digits is UNRESOLVED: correct parseTokens.',
    `${values} parseTokens`,
  ),
  'confirm.water': money(
    'Water without a token, or with one that is not read, is UNRESOLVED: correct readTold and parseTokens.',
    `${failure} readTold`,
    `${values} parseTokens`,
  ),
  'confirm.units': works(
    'Units are not shown, or in another unit than they are: correct toldBy.',
    `${v1Wire} toldBy`,
    `${currentWire} toldBy`,
  ),
  'confirm.unit': works('Current’s units are shown as kWh: correct toldBy.', `${currentWire} toldBy`),
  'confirm.receipt': works(
    'The receipt’s number is not shown: correct toldBy.',
    `${v1Wire} toldBy`,
    `${currentWire} toldBy`,
  ),
  'confirm.charges': money(
    'A quote does not bind ScratchPower: the docs must say that the charges of the purchase count.',
    'src/purchases/service.ts validate',
  ),
  'v1.confirm.time': nothing('created_at is not read; the gateway keeps its own times.'),
  'current.confirm.time': works(
    'ScratchPower’s ledger has purchases at another time of day: correct localTime.',
    `${currentClient} localTime`,
  ),
  'confirm.debit': money(
    'What customers are told and the day’s statement differ from what is debited: ask ScratchPower before anything is changed.',
    'src/operator/statement-rows.ts total',
  ),
  'confirm.refused': money(
    'A refusal that cannot be told from trouble is UNRESOLVED: correct envelopeIn and readEvidence.',
    `${v1Wire} envelopeIn`,
    `${currentWire} envelopeIn`,
    `${failure} readEvidence`,
  ),
  'confirm.refused-free': money(
    'A refusal is FAILED, “nothing was charged”: it must be UNRESOLVED and go through retry. readEvidence.',
    `${failure} readEvidence`,
  ),
  'confirm.not-idempotent': nothing(
    'The gateway sends one confirm for a purchase whatever becomes of it, and may go on doing so; this would be good news.',
    'src/purchases/dispatcher.ts confirm',
  ),
  'confirm.pending': money(
    'It stays UNRESOLVED, and NEEDS_ATTENTION in the end: readTold.',
    `${failure} readTold`,
  ),
  'confirm.failed': money('FAILED with a token is UNRESOLVED: readTold.', `${failure} readTold`),
  'confirm.late-landing': money(
    'A purchase is FAILED although it is debited later: raise LATE_LANDING_MS.',
    'src/config.ts LATE_LANDING_MS',
  ),
  'retry.request': money(
    'No lost answer is ever found again; all end as NEEDS_ATTENTION: send in `retry` what is asked for.',
    `${v1Client} retry`,
    `${currentClient} retry`,
  ),
  'retry.unknown': money(
    'A confirm that never arrived stays UNRESOLVED and ends as NEEDS_ATTENTION: correct unknownReference in envelopeIn.',
    `${v1Wire} unknownReference`,
    `${currentWire} unknownReference`,
  ),
  'retry.succeeded': money(
    'A token whose answer was lost is not found again, or another purchase’s is taken for it: correct toldBy, and readTold.',
    `${v1Wire} toldBy`,
    `${currentWire} toldBy`,
    `${failure} readTold`,
  ),
  'retry.shape': money(
    'What retry leaves out is missing from a purchase whose first answer was lost: give retry a reading of its own.',
    `${v1Wire} transaction`,
    `${currentWire} transaction`,
  ),
  'retry.free': money(
    'STOP: the gateway retries by itself, and each retry would be paid for. Do not run it on this upstream; the reconciler must not retry what may have succeeded.',
    'src/purchases/reconciler.ts Reconciler',
  ),
  'retry.refused': money(
    'A refusal that was lost stays UNRESOLVED: correct readEvidence, which counts a provider’s refusal and a 404 as DENIED.',
    `${failure} readEvidence`,
  ),
  'retry.reattempts': nothing(
    'Retry only looks up: then what has failed stays FAILED, which is safe.',
    'src/purchases/reconciler.ts Reconciler',
  ),
  'request-id': works(
    'A call is harder to find in ScratchPower’s logs; the gateway keeps its own id in any case.',
    'src/datasources/transport.ts x-request-id',
  ),
  'current.request-id.none': nothing(
    'An id that comes back is not read; it could be kept beside ours.',
    'src/datasources/transport.ts x-request-id',
  ),
};

/** What in the gateway rests on the assumption. Throws for one that the table forgot. */
export function restsOn(id: string): RestsOn {
  const [, topic = '', name = ''] = id.split('.');
  const found = table[id] ?? table[`${topic}.${name}`] ?? table[topic];
  if (found === undefined) throw new Error(`rests-on.ts says nothing of ${id}`);
  return found;
}

/** The table's keys, for a test that each is used. */
export const restsOnKeys: readonly string[] = Object.keys(table);

import type { ProductType, Purchase } from '../gateway/operations.ts';

/** Every sentence of the app. A language is complete, or it does not compile. */
export interface Texts {
  /** Also what the upstream is asked to answer in. */
  readonly locale: string;
  readonly title: string;
  readonly language: string;
  readonly live: string;
  readonly reconnecting: string;
  readonly loading: string;
  readonly shopUnavailable: string;
  readonly tryAgain: string;

  readonly newPurchase: string;
  readonly product: string;
  readonly products: Readonly<Record<ProductType, string>>;
  readonly provider: string;
  readonly identifiers: Readonly<Record<ProductType, string>>;
  readonly digits: (min: number, max: number) => string;
  readonly typed: (length: number) => string;
  readonly fits: string;
  readonly empty: string;
  readonly short: (length: number, min: number) => string;
  readonly long: (length: number, max: number) => string;
  readonly misfit: string;
  readonly amount: string;
  readonly amountWrong: string;
  readonly phone: string;
  readonly phoneHint: string;
  readonly phoneWrong: string;
  readonly payFrom: string;
  readonly balance: string;
  readonly check: string;
  readonly checking: string;
  readonly connectionLost: string;

  readonly isThisRight: string;
  readonly owner: string;
  readonly address: string;
  readonly notTold: string;
  readonly charge: string;
  readonly total: string;
  readonly buyFor: (total: string) => string;
  readonly change: string;
  readonly openAlready: (reference: string) => string;
  readonly wantsTwo: string;
  readonly cannotKeep: string;

  readonly sending: string;
  readonly sendingText: string;
  readonly asked: string;
  readonly unresolved: string;
  readonly unresolvedText: string;
  readonly needsAttention: string;
  readonly needsAttentionText: string;
  readonly failed: string;
  readonly nothingCharged: string;
  readonly askAgain: string;
  readonly asking: string;
  readonly nextCustomer: string;
  readonly stillListed: string;
  readonly reference: string;
  readonly copyReference: string;
  readonly changeDetails: string;
  readonly gone: string;

  readonly bought: string;
  readonly token: string;
  readonly keyChange: (n: number) => string;
  readonly otherToken: string;
  readonly noToken: string;
  readonly hidden: string;
  readonly copy: string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly print: string;
  readonly receipt: string;
  readonly units: string;
  readonly receiptNumber: string;
  readonly date: string;
  readonly keepSafe: string;

  readonly today: string;
  readonly noneToday: string;
  readonly listUnavailable: string;
  readonly more: string;
  readonly statuses: Readonly<Record<Purchase['status'], string>>;
}

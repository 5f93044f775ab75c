/** Why nothing was bought, and that it cost nothing: some of the gateway's own sentences say that already. */
export function uncharged(message: string, nothingCharged: string): string {
  return /nothing was charged/i.test(message) ? message : `${message} ${nothingCharged}`.trim();
}

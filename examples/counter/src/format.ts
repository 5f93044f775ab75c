interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** Exact: Intl takes the decimal's own digits. Botswana writes its pula alike in both languages. */
export function money({ amount, currency }: Money): string {
  const format = new Intl.NumberFormat('en-BW', { style: 'currency', currency });
  return format.format(amount as `${number}`);
}

export const time = (instant: string) =>
  new Date(instant).toLocaleTimeString('en-BW', { hour: '2-digit', minute: '2-digit', hour12: false });

export const dateAndTime = (instant: string) =>
  `${new Date(instant).toLocaleDateString('en-BW', { day: '2-digit', month: '2-digit', year: 'numeric' })} ${time(instant)}`;

const KEPT_AS = 'counter.current';

/** The key of the purchase that this tab shows; '' when it shows none, null when it has just been opened. */
export const currentKey = () => sessionStorage.getItem(KEPT_AS);

export const setCurrentKey = (key: string) => sessionStorage.setItem(KEPT_AS, key);

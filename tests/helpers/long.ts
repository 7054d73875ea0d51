/** Are tests run in their long form, `npm run soak -- tests`? `npm test` takes what is chosen. */
export const LONG = process.env['EXACT8_LONG'] !== undefined;

/** What is tested each time; in the long form, the rest too. */
export const chosen = <T>(each: readonly T[], rest: readonly T[]): readonly T[] => (LONG ? [...each, ...rest] : each);

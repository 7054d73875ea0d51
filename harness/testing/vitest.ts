import { expect } from 'vitest';
import { matchers, type BitsLike } from './matchers.ts';

/** For `setupFiles` of Vitest, or an import of a test: gives its `expect` the matchers. */
expect.extend(matchers);

declare module 'vitest' {
  interface Matchers {
    toEqualBits(expected: BitsLike): void;
  }
}

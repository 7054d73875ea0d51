import { f32 } from '../../engines/rounding.ts';
import type { Float32Sum } from '../../engines/engine.ts';

/** The order of a sum of float32 products. */
export interface ProductOrder extends Float32Sum {
  /** How many products. */
  readonly depth: number;
  /** Those of columns from this one on are added in fours, where the order has them. */
  readonly from: number;
}

/** Products in fours begin behind the last multiple of four. */
export const wholeFours = (columns: number): number => columns - (columns % 4);

/**
 * @param product of the number k, rounded
 * @param start what the sum begins with; undefined where that is the first product, or block
 */
export function sumProducts(
  { as, block, depth, from }: ProductOrder,
  column: number,
  product: (k: number) => number,
  start?: number,
): number {
  let sum = start;
  for (let first = 0; first < depth; first += block) {
    const end = Math.min(first + block, depth);
    let k = first;
    if (as === 'blocks') {
      let all = 0;
      for (; k < end; k++) all = f32(all + product(k));
      sum = sum === undefined ? all : f32(sum + all);
      continue;
    }
    sum ??= product(k++);
    if (column >= from)
      for (; k + 4 <= end; k += 4) {
        const four = f32(f32(f32(product(k) + product(k + 1)) + product(k + 2)) + product(k + 3));
        sum = f32(sum + four);
      }
    for (; k < end; k++) sum = f32(sum + product(k));
  }
  return sum ?? 0;
}

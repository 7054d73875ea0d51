/**
 * Does onnxruntime's loop over two shapes take the first operand for one value? It looks at one axis: the innermost that is
 * longer than 1 in either, but at none beyond the shorter shape's.
 */
export function isFirstOneValue(a: readonly number[], b: readonly number[]): boolean {
  const common = Math.min(a.length, b.length);
  if (common === 0) return (a.at(-1) ?? 1) === 1;
  let axis = 1;
  while (axis < common && a.at(-axis) === 1 && b.at(-axis) === 1) axis++;
  return a.at(-axis) === 1;
}

/** [first, end) of each run of elements that vector instructions leave over, in NHWC order. */
export function tailRanges(isTail: (index: number, elements: number) => boolean, elements: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < elements; i++) {
    if (!isTail(i, elements)) continue;
    const last = ranges.at(-1);
    if (last && last[1] === i) last[1] = i + 1;
    else ranges.push([i, i + 1]);
  }
  return ranges;
}

/** A table for the elements at the end, from `first` on, where there are some. */
export function tailOf<T>(
  isTail: ((index: number, elements: number) => boolean) | undefined,
  elements: number,
  values: () => T,
): { readonly tail?: { readonly values: T; readonly first: number } } {
  const [range] = isTail ? tailRanges(isTail, elements) : [];
  return range ? { tail: { values: values(), first: range[0] } } : {};
}

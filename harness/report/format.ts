/** The program whose bits an engine's name stands for. */
const PROGRAMS: Readonly<Record<string, string>> = { onnxruntime: 'onnxruntime-web' };

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

export function formatShape(shape: readonly number[]): string {
  return shape.join(' × ');
}

export function formatProbability(probability: number): string {
  return `${(100 * probability).toFixed(2)} %`;
}

/** What was found, in one sentence. */
export function verdict(
  { elements, mismatches }: { readonly elements: number; readonly mismatches: number },
  against: string,
): string {
  const program = PROGRAMS[against] ?? against;
  return mismatches === 0
    ? `${formatCount(elements)} of ${formatCount(elements)} elements equal, bit for bit, to ${program}`
    : `${formatCount(mismatches)} of ${formatCount(elements)} elements differ from ${program}`;
}

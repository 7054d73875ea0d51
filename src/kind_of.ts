/** What a value is, for messages about wrong ones: never throws, never long. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return Array.isArray(value) ? 'an array' : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** Numbers in brackets, whatever stands in their place. */
export function listOf(values: readonly unknown[]): string {
  return `[${values.map(kindOf).join(', ')}]`;
}

/** An object with named members: none of an array's, whose names are numbers. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

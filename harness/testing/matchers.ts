import { InvalidInputError } from '../../src/errors.ts';
import { ELEMENT_TYPES, newElementData, type ElementData, type ElementType } from '../../src/graph/graph.ts';
import { isRecord, kindOf } from '../../src/kind_of.ts';
import { compareTensor, describeDifference, type NamedTensor } from '../compare/compare.ts';

/** An array of elements; a tensor, exact8's, onnxruntime's or of a trace; or some of these by name. */
export type BitsLike = ElementData | { readonly data: unknown } | { readonly [name: string]: BitsLike };

/** What Vitest, Jest and Playwright take from a matcher. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** More tensors than these are counted, and not described. */
const MOST_DESCRIBED = 5;

function typeOf(data: unknown): ElementType | undefined {
  const tag = ArrayBuffer.isView(data) ? Object.prototype.toString.call(data).slice(8, -1) : '';
  return ELEMENT_TYPES.find((type) => newElementData(type, 0)[Symbol.toStringTag] === tag);
}

/** @throws InvalidInputError for what has no elements */
function tensorOf(name: string, value: unknown): NamedTensor {
  const data = isRecord(value) && 'data' in value ? value['data'] : value;
  const type = typeOf(data);
  if (!type)
    throw new InvalidInputError(
      `${name}: bits are those of a typed array or a tensor; got ${kindOf(value)}${isRecord(value) && 'dims' in value ? ' with dims and no data: of a tensor a page returns { type, dims, data }' : ''}`,
    );
  const elements = data as ElementData;
  const { dims, shape = dims } = (isRecord(value) ? value : {}) as {
    dims?: readonly number[];
    shape?: readonly number[];
  };
  return { name, type, shape: shape ?? [elements.length], data: elements };
}

/** The tensors of a value by their names; an array or a tensor alone has the name 'value'. */
function tensorsOf(value: unknown): ReadonlyMap<string, NamedTensor> {
  if (isRecord(value) && Array.isArray(value['tensors']))
    return new Map(
      (value['tensors'] as (NamedTensor & { readonly name: string })[]).map((one) => [
        one.name,
        tensorOf(one.name, one),
      ]),
    );
  if (typeOf(value) || (isRecord(value) && 'data' in value)) return new Map([['value', tensorOf('value', value)]]);
  if (!isRecord(value))
    throw new InvalidInputError(`bits are those of typed arrays, tensors, or tensors by name; got ${kindOf(value)}`);
  return new Map(Object.entries(value).map(([name, one]) => [name, tensorOf(name, one)]));
}

/** What differs, a line a tensor; none where nothing does. */
export function differingBits(received: unknown, expected: unknown): string[] {
  const [got, wanted] = [tensorsOf(received), tensorsOf(expected)];
  const missing = [...wanted.keys()].filter((name) => !got.has(name)).map((name) => `${name}: missing`);
  const more = [...got.keys()].filter((name) => !wanted.has(name)).map((name) => `${name}: not expected`);
  const differ: string[] = [];
  for (const [name, tensor] of wanted) {
    const other = got.get(name);
    if (!other) continue;
    if (other.type !== tensor.type || other.shape.join() !== tensor.shape.join()) {
      const [is, should] = [other, tensor].map(({ type, shape }) => `${type} [${shape.join(', ')}]`);
      differ.push(`${name}: ${is}, expected ${should}`);
      continue;
    }
    const comparison = compareTensor(tensor, other, '');
    if (comparison.mismatches > 0) differ.push(`${name}: ${describeDifference(comparison)}`);
  }
  return [...missing, ...more, ...differ];
}

/**
 * Are all elements the same bits, and types and shapes, too? 0 and -0 differ. `expect.extend(matchers)` of Vitest, Jest or
 * Playwright; what does not fit is said in a few lines, however many elements differ.
 */
export function toEqualBits(received: unknown, expected: unknown): MatcherResult {
  const lines = differingBits(received, expected);
  const rest = lines.length - MOST_DESCRIBED;
  const text = [...lines.slice(0, MOST_DESCRIBED), ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n');
  return {
    pass: lines.length === 0,
    message: () => (lines.length === 0 ? 'expected other bits, got the same' : `expected the same bits\n${text}`),
  };
}

/** For `expect.extend`. */
export const matchers = { toEqualBits };

/** For tests without `expect`. @throws Error that says what differs */
export function expectEqualBits(received: unknown, expected: unknown): void {
  const { pass, message } = toEqualBits(received, expected);
  if (!pass) throw new Error(message());
}

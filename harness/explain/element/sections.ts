import type {
  Bias,
  ElementAnalysis,
  EngineResult,
  Operand,
  Reach,
  Requantized,
  RoundedResult,
  Scale,
  Side,
  Sum,
  Term,
} from './analysis.ts';
import {
  FIXED_POINT,
  ROUNDINGS,
  type Exact,
  type FixedPointRounding,
  type Float32,
  type Rounded,
  type Rounding,
} from './exact.ts';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The columns of numbers. */
  readonly right: readonly string[];
}

/** A part of an analysis for people, on a terminal or in a page. */
interface Section {
  readonly title: string;
  readonly content: readonly (string | Table)[];
}

const NAMES: Readonly<Record<Side, string>> = { theirs: 'theirs', reference: "the reference's" };

/** What there is to read of an element, part by part. */
export function elementSections(analysis: ElementAnalysis): Section[] {
  const { sum, operands, bias, scale, requantized } = analysis;
  return [
    { title: titleOf(analysis), content: overview(analysis) },
    ...(sum ? [sumSection(analysis, sum)] : []),
    ...(operands ? [operandSection(operands)] : []),
    ...(bias || scale ? [{ title: 'Bias and scale', content: [...biasLines(bias), ...scaleLines(scale)] }] : []),
    ...requantized.map((one) => requantizedSection(analysis, one)),
    enginesSection(analysis),
    ...((analysis.theirs ?? analysis.reference) === undefined ? [] : [answers(analysis)]),
  ];
}

function titleOf({ tensor, index, op }: ElementAnalysis): string {
  return `${tensor} [${index.join(', ')}] (${op})`;
}

/** Lines of what is there. */
const known = (value: unknown, ...lines: readonly string[]): readonly string[] => (value === undefined ? [] : lines);

function overview({
  theirs,
  reference,
  explained,
  engine,
  computed,
  output,
  fromReferenceOperands: others,
}: ElementAnalysis) {
  const range = output.clamp ? `, which the layer keeps in ${output.clamp.join(' to ')}` : '';
  const zero = output.zeroPoint === undefined ? '' : `, zero point ${output.zeroPoint}`;
  const accumulator = others?.accumulator === undefined ? '' : ` (accumulator ${others.accumulator})`;
  return [
    ...known(theirs, `theirs             ${theirs}`),
    ...known(reference, `the reference      ${reference}`),
    ...known(explained, `by the causes      ${explained}`),
    `${engine} gives`.padEnd(18) + ` ${computed}   (${output.type}${zero}${range})`,
    ...known(
      others,
      `The reference's own inputs differ in ${others?.differing} of those shown; from them ${engine} gives ` +
        `${others?.value}${accumulator}.`,
    ),
  ];
}

/** Sums of up to this many products are shown in full. */
const FULL = 32;
/** Of longer ones: how many from either end, and how many that saturate or lie in the padding. */
const ENDS = 4;
const SPECIAL = 24;

/** Indices of the terms that are shown, in order. */
function shownTerms({ terms, pairs }: Sum): number[] {
  if (terms.length <= FULL) return [...terms.keys()];
  const overflowing = new Set(
    (pairs ?? []).filter(({ exact, int16 }) => exact !== int16).flatMap(({ term }) => [term, term + 1]),
  );
  const special = [...terms.keys()].filter((k) => overflowing.has(k) || terms[k]!.padding);
  const chosen = new Set([...special.slice(0, SPECIAL), ...ends(terms.length)]);
  return [...terms.keys()].filter((k) => chosen.has(k));
}

const ends = (count: number): number[] => [...Array(ENDS).keys()].flatMap((k) => [k, count - 1 - k]);

/** What a pair is that leaves int16, and what it does. */
const OVERFLOW = {
  exact: { done: '', act: '', name: 'overflow' },
  'saturating-pairs': { done: 'saturated', act: 'saturate', name: 'saturation' },
  'wrapping-pairs': { done: 'wrapped', act: 'wrap around', name: 'overflow' },
} as const;

function sumSection({ scale, index }: ElementAnalysis, sum: Sum): Section {
  const { accumulation, terms, pairing, pairs, inputZeroPoint, weightZeroPoint } = sum;
  const { correction, accumulator, exactAccumulator } = sum;
  const { done, act, name } = OVERFLOW[accumulation];
  // by its last product
  const pairOf = new Map(pairs?.map((pair, i) => [(pairs[i + 1]?.term ?? terms.length) - 1, pair]));
  const hasWeights = scale?.weight !== undefined;
  const place = ['channel', ...(index.length === 4 ? ['row', 'column'] : [])];
  const head = [
    '#',
    ...place,
    'input',
    ...(hasWeights ? ['weight'] : []),
    'product',
    ...(pairs ? ['pair', done] : []),
    'accumulator',
    'note',
  ];
  const row = (k: number): string[] => {
    const { at, padding, input, referenceInput, weight, product, accumulator: running } = terms[k]!;
    const pair = pairOf.get(k);
    const notes = [
      ...(padding ? ['padding'] : []),
      ...(referenceInput === undefined ? [] : [`${referenceInput} in the reference`]),
      ...(pair && pair.exact !== pair.int16 ? [`${done} by ${pair.exact - pair.int16}`] : []),
    ];
    return [
      String(k),
      ...at.slice(0, place.length).map(String),
      String(input),
      ...(hasWeights ? [String(weight)] : []),
      String(product),
      ...(pairs ? [pair ? String(pair.exact) : '', pair ? String(pair.int16) : ''] : []),
      String(running),
      notes.join('; '),
    ];
  };
  const shown = shownTerms(sum);
  const rows = shown.flatMap((k, i) => {
    const left = k - (shown[i - 1] ?? -1) - 1;
    return left > 0 ? [['…', ...head.slice(1, -1).map(() => ''), skipped(terms.slice(k - left, k))], row(k)] : [row(k)];
  });
  const weightSum = terms.reduce((total, { weight }) => total + weight, 0);
  const minus =
    correction === -inputZeroPoint * weightSum
      ? `- ${inputZeroPoint} * ${weightSum} (the weights' sum)`
      : `- ${-correction} (the zero point times the weights' sum)`;
  const overflowing = (pairs ?? []).filter(({ exact, int16 }) => exact !== int16).length;
  const raw = accumulation === 'wrapping-pairs' ? 'signed input' : 'input';
  const formula = pairs
    ? `products are ${raw} * weight; added in 16 bits are ${pairing}`
    : `products are (input - ${inputZeroPoint})` + (hasWeights ? ` * (weight - ${weightZeroPoint})` : '');
  return {
    title: `The sum: ${terms.length} products`,
    content: [
      `In the order ${hasWeights ? 'kernel row, kernel column, channel' : 'row, column'}; ${formula}.`,
      { head, rows, right: head.slice(0, -1) },
      ...(pairs
        ? [
            `accumulator        ${accumulator - correction} ${minus} = ${accumulator}`,
            overflowing === 0
              ? `No pair is ${done} in this element.`
              : `without ${name} ${exactAccumulator} (${overflowing} of ${pairs.length} pairs ${act})`,
          ]
        : [`accumulator        ${accumulator}`]),
    ],
  };
}

function skipped(terms: readonly Term[]): string {
  const padding = terms.filter((term) => term.padding).length;
  return `${terms.length} more${padding > 0 ? `, ${padding} of them padding` : ''}`;
}

function operandSection(operands: readonly Operand[]): Section {
  return {
    title: operands.length === 1 ? 'The operand' : 'The operands',
    content: operands.flatMap(({ tensor, value, referenceValue, scale, zeroPoint, real }) => [
      `${tensor}: ${value}` +
        (referenceValue === undefined ? '' : ` (${referenceValue} in the reference)`) +
        (scale ? `, scale ${float(scale)}, zero point ${zeroPoint}` : ''),
      ...(real ? [`  stands for ${exact(real)}`] : []),
    ]),
  };
}

function biasLines(bias: Bias | undefined): string[] {
  if (!bias) return [];
  const { stored, accumulatorUnits, int32 } = bias;
  if (stored.type === 'int32') return [`bias               ${stored.value}, an int32`];
  return [
    `bias               ${float(stored)}, a float32`,
    `  in units of the accumulator ${accumulatorUnits.decimal}; as int32 ${int32}`,
  ];
}

function scaleLines(scale: Scale | undefined): string[] {
  if (!scale) return [];
  const { input, weight, output, exact: ratio, float32, fixedPoint } = scale;
  return [
    `sx, of the input   ${float(input)}`,
    ...(weight ? [`sw, of the weights ${float(weight)}`] : []),
    `sy, of the output  ${float(output)}`,
    `${weight ? 'sx * sw / sy' : 'sx / (sy * n)'}       ${exact(ratio)}`,
    ...float32.map((way) => `  as a float32 ${float(way)} = ${way.how}`),
    `  in fixed point ${fixedPoint.multiplier} / 2^${fixedPoint.shift}`,
  ];
}

/** n/d with a power of two as such. */
function shorter(fraction: string): string {
  const [numerator, denominator] = fraction.split('/') as [string, string?];
  if (denominator === undefined) return numerator;
  const bits = BigInt(denominator).toString(2);
  return /^10{4,}$/.test(bits) ? `${numerator}/2^${bits.length - 1}` : fraction;
}

const float = ({ value, fraction, bits }: Float32): string => `${value} (${bits}, ${shorter(fraction)})`;
const exact = ({ decimal, fraction }: Exact): string =>
  fraction.includes('/') ? `${decimal} = ${shorter(fraction)}` : decimal;
const nearTie = ({ tie, distance }: Rounded): string =>
  distance.fraction === '0' ? 'a tie' : `${distance.decimal} from the tie ${tie}`;

const marked = (value: number, gives: readonly Side[]): string =>
  gives.length === 2 ? `${value} = both` : gives.length === 1 ? `${value} = ${gives[0]}` : String(value);

function requantizedSection({ scale, requantized }: ElementAnalysis, one: Requantized): Section {
  const { exact: value, products, results, accumulator } = one;
  return {
    title:
      requantized.length > 1
        ? `From the sum ${sumName(one, requantized)}, ${accumulator}`
        : 'From the exact value to the output',
    content: [
      `exact value        ${exact(value)}`,
      `  ${nearTie(value)}; the zero point is not added yet`,
      ...products.flatMap((product, i) => [
        `in float32         ${product.float32.value}` + (products.length > 1 ? `, by ${scale!.float32[i]!.how}` : ''),
        product.float32.fraction === product.fraction
          ? `  exactly, ${nearTie(product)}`
          : `  rounded from ${exact(product)}, ${nearTie(product)}`,
      ]),
      ...roundingLines(results, products.length),
    ],
  };
}

/** Every rounding; one line where all give the same. */
function roundingLines(results: readonly RoundedResult[], scales: number): (string | Table)[] {
  const [first] = results;
  if (first && results.every(({ value }) => value === first.value))
    return [`All ${results.length} ways to round it give ${marked(first.value, first.gives)}.`];
  const columns = [
    { name: 'exact', of: 'exact', scale: undefined },
    ...Array.from({ length: scales }, (_, i) => ({
      name: scales > 1 ? `float32 (${i + 1})` : 'float32',
      of: 'float32',
      scale: i,
    })),
  ].flatMap((column) => (['after', 'before'] as const).map((zeroPoint) => ({ ...column, zeroPoint })));
  const cell = (rounding: Rounding, column: (typeof columns)[number]): string => {
    const found = results.find(
      ({ rounding: r, of, zeroPoint, scale }) =>
        r === rounding && of === column.of && zeroPoint === column.zeroPoint && scale === column.scale,
    );
    return found ? marked(found.value, found.gives) : '';
  };
  const fixed = results.filter(({ of }) => of === 'fixed-point');
  return [
    {
      head: [
        'rounded',
        ...columns.map(({ name, zeroPoint }) => (zeroPoint === 'after' ? name : `${name} + zero point`)),
      ],
      rows: withoutIdleTies(
        (Object.keys(ROUNDINGS) as Rounding[]).map((rounding) => [
          ROUNDINGS[rounding],
          ...columns.map((column) => cell(rounding, column)),
        ]),
      ),
      right: [],
    },
    ...fixed.map(
      ({ rounding, value, gives }) => `${FIXED_POINT[rounding as FixedPointRounding]}: ${marked(value, gives)}`,
    ),
  ];
}

/** The four roundings to nearest differ at ties only: one row where nothing is one. */
function withoutIdleTies(rows: readonly (readonly string[])[]): (readonly string[])[] {
  const [nearest, others] = [rows.slice(0, 4), rows.slice(4)];
  const [first] = nearest;
  const isIdle = first && nearest.every((row) => row.slice(1).join() === first.slice(1).join());
  return isIdle ? [['to nearest, whatever ties do', ...first.slice(1)], ...others] : [...rows];
}

function enginesSection({ engines }: ElementAnalysis): Section {
  const isSum = engines.some(({ accumulator }) => accumulator !== undefined);
  const row = ({ engine, value, accumulator, unsupported, gives }: EngineResult): string[] => [
    engine,
    value === undefined ? '' : marked(value, gives),
    ...(isSum ? [accumulator === undefined ? '' : String(accumulator)] : []),
    unsupported === undefined ? '' : `cannot run it: ${unsupported}`,
  ];
  return {
    title: 'Under every engine',
    content: [
      {
        head: ['engine', 'result', ...(isSum ? ['accumulator'] : []), ''],
        rows: engines.map(row),
        right: ['accumulator'],
      },
    ],
  };
}

/** Which results are theirs, and which the reference's. */
function answers(analysis: ElementAnalysis): Section {
  const { theirs, reference, reach = [] } = analysis;
  const sides = (['theirs', 'reference'] as const).filter((side) => analysis[side] !== undefined);
  const isSame = Object.is(theirs, reference);
  const lines = (isSame ? sides.slice(0, 1) : sides).map((side) => givers(analysis, side, isSame));
  const reaches = reach.slice(0, isSame ? 1 : 2).map((one) => reachLine(analysis, one, isSame));
  return { title: 'Whose value it is', content: [...lines, ...reaches] };
}

function reachLine({ engine, sum }: ElementAnalysis, { value, of, from, to }: Reach, isSame: boolean): string {
  const ends = from === to ? `the accumulator ${from} alone` : `accumulators ${from} to ${to}`;
  const open = from === null ? `accumulators up to ${to}` : `accumulators from ${from} on`;
  const range = from === null && to === null ? 'every accumulator' : from === null || to === null ? open : ends;
  const here = sum?.accumulator ?? 0;
  const away = from !== null && here < from ? from - here : to !== null && here > to ? to - here : 0;
  const distance = away === 0 ? 'as here' : `${Math.abs(away)} ${away > 0 ? 'more' : 'less'} than here`;
  return `${engine} gives ${value}${isSame ? '' : ` (${of})`} for ${range}: ${distance}.`;
}

/** Of a sum where there are two, the engine's own first. */
function sumName({ accumulation = 'exact' }: Requantized, [own]: readonly Requantized[]): string {
  return accumulation === 'exact'
    ? `without ${OVERFLOW[own!.accumulation!].name}`
    : `with ${OVERFLOW[accumulation].done} pairs`;
}

function givers(analysis: ElementAnalysis, side: Side, both: boolean): string {
  const { engines, requantized, theirs, explained } = analysis;
  const named = engines.filter(({ gives }) => gives.includes(side)).map(({ engine }) => engine);
  const roundings = requantized.flatMap((one) => {
    const giving = one.results.filter(({ gives }) => gives.includes(side));
    const sum = requantized.length > 1 ? `, ${sumName(one, requantized)}` : '';
    return giving.length === 0 ? [] : [`${someOf(one.results, giving)}${sum}`];
  });
  const byCauses = side === 'theirs' && Object.is(explained, theirs) ? ["the layer's causes together"] : [];
  const all = [...byCauses, ...named, ...roundings];
  const given = all.length === 0 ? 'no engine and no rounding above gives it' : `given by ${all.join('; ')}`;
  return `${analysis[side]} (${both ? 'theirs and the reference' : NAMES[side]}): ${given}.`;
}

/** How many are named one by one. */
const NAMED = 3;

function someOf(all: readonly RoundedResult[], chosen: readonly RoundedResult[]): string {
  const others = all.filter((one) => !chosen.includes(one));
  if (others.length === 0) return 'every rounding';
  if (chosen.length <= NAMED) return chosen.map(nameOf).join(', ');
  if (others.length <= NAMED) return `every rounding but ${others.map(nameOf).join(', ')}`;
  return `${chosen.length} of ${all.length} roundings`;
}

function nameOf({ rounding, of, zeroPoint }: RoundedResult): string {
  if (of === 'fixed-point') return FIXED_POINT[rounding as FixedPointRounding];
  const what = of === 'exact' ? 'the exact value' : 'the float32 value';
  return `${what} rounded ${ROUNDINGS[rounding as Rounding]}${zeroPoint === 'before' ? ' behind the zero point' : ''}`;
}

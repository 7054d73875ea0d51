import { formatCount, formatShape } from '../report/format.ts';
import { adviceFor } from './advice.ts';
import type { Recurring } from './summary.ts';
import type { Cause, Count, LayerExplanation, Where } from './explanation.ts';

export const percent = (part: number, whole: number): string => {
  const share = (100 * part) / whole;
  return `${share > 0 && share < 0.01 ? '< 0.01' : share.toFixed(share < 1 ? 2 : 1)} %`;
};

/** Channels that are named before they are only counted. */
const NAMED = 4;

function channels({ channels }: Where): string {
  const wrong = [...channels.keys()].filter((c) => channels[c]! > 0);
  if (wrong.length === 1) return `all in channel ${wrong[0]}`;
  const most = wrong.toSorted((a, b) => channels[b]! - channels[a]!)[0]!;
  const which =
    wrong.length <= NAMED ? `channels ${wrong.join(', ')}` : `${wrong.length} of ${channels.length} channels`;
  return `${which}, most in channel ${most} (${formatCount(channels[most]!)})`;
}

const part = ({ mismatches, elements }: Count): string =>
  `${formatCount(mismatches)} of ${formatCount(elements)} (${percent(mismatches, elements)})`;

function size({ differences, offByOne }: Where, mismatches: number): string {
  const [least, most] = [differences[0], differences.at(-1)];
  if (!least || !most) return '';
  const higher = differences
    .filter(({ difference }) => difference > 0)
    .reduce((sum, { elements }) => sum + elements, 0);
  return (
    `theirs - reference from ${least.difference} to ${most.difference}; ${percent(offByOne, mismatches)} of them off by one; ` +
    `${formatCount(higher)} too high, ${formatCount(mismatches - higher)} too low`
  );
}

/** Where values differ, in sentences. */
export function whereLines(where: Where, mismatches: number): string[] {
  const lines = [size(where, mismatches), channels(where)].filter(Boolean);
  if (where.border.elements > 0)
    lines.push(
      `at the border (windows that reach into the padding) ${part(where.border)}, inside ${part(where.interior)}`,
    );
  return lines;
}

/** What the same step may be as well, going by these values. */
export function variants(layer: LayerExplanation, index: number): string[] {
  const { detail } = layer.causes[index]!;
  const same = layer.alternatives.filter((set) => kindsOf(set) === kindsOf(layer.causes));
  const others = new Set(same.map((set) => set[index]!.detail).filter((other) => other !== detail));
  return [...others];
}

/** Variants that are spelt out. */
const SPELT_OUT = 3;

function causeLines(layer: LayerExplanation, index: number): string[] {
  const { kind, side, detail, elements } = layer.causes[index]!;
  const others = variants(layer, index);
  const own = (text: string): string => text.split('; ')[0]!;
  const rest = others.length - SPELT_OUT;
  const advice = adviceFor(layer.causes[index]!);
  return [
    `  ${index + 1}. ${side === 'theirs' ? 'theirs' : 'THE REFERENCE'}, ${kind}: ${detail}`,
    elements > 0
      ? `     accounts for ${formatCount(elements)} of the ${formatCount(layer.ownMismatches)} (${percent(elements, layer.ownMismatches)})`
      : '     makes no value differ by itself: without it, some that are equal would',
    ...others.slice(0, SPELT_OUT).map((other) => `     the same values: ${own(other)}`),
    ...(rest > 0 ? [`     and ${rest} more that give the same values`] : []),
    `     what to do: ${advice.what} (${advice.page})`,
  ];
}

const kindsOf = (causes: readonly Cause[]): string => causes.map(({ kind, side }) => `${kind} ${side}`).join();

/** What is known of the causes: do they reproduce everything, and could others? */
export function verdict(layer: LayerExplanation): string[] {
  const { exact, certain, unexplained, elements, causes, alternatives, engine } = layer;
  if (!exact)
    return [
      causes.length > 0
        ? `NOT EXPLAINED: ${formatCount(unexplained)} values are not what these give; they are only the nearest that was found`
        : `NOT EXPLAINED: nothing that is known gives these values`,
    ];
  const all = `reproduced: ${formatCount(elements)} of ${formatCount(elements)} values`;
  const others = alternatives.filter((set) => kindsOf(set) !== kindsOf(causes));
  if (!certain && others.length === 0)
    return [
      `${all}, but NOT CERTAIN: no engine that is known reproduces the reference, and ${engine} is only the nearest`,
    ];
  if (certain) return [`${all}; nothing smaller does, and nothing of other kinds that is as small`];
  return [
    `${all}, but NOT CERTAIN: so do`,
    ...others
      .slice(0, SPELT_OUT)
      .map((set) => `  ${set.map(({ kind, detail }) => `${kind}: ${detail}`).join('; and ')}`),
    ...(others.length > SPELT_OUT ? [`  and ${others.length - SPELT_OUT} more`] : []),
  ];
}

/** Where the mismatches that are not the layer's own come from. */
export const restOf = ({ inputs, engine }: LayerExplanation): string =>
  inputs === 'theirs' ? 'the rest is inherited' : `in the rest the reference is not what ${engine} computes`;

/** Whose inputs a layer is explained from, and what the others would give. */
function inputsLine({ inputs, differing, follows }: LayerExplanation): string[] {
  if (follows !== undefined) {
    const whose = {
      theirs: 'their own',
      reference: "the reference's",
      engine: `what ${follows} computes as its`,
      same: 'the',
    };
    return [`  theirs follows another engine than the reference: ${follows}, from ${whose[inputs]} inputs`];
  }
  if (inputs === 'same' || inputs === 'engine') return [];
  const [mine, others] = inputs === 'theirs' ? ['their own', "the reference's"] : ["the reference's", 'their own'];
  const [own, other] = inputs === 'theirs' ? (['theirs', 'reference'] as const) : (['reference', 'theirs'] as const);
  const counts = differing
    ? `: ${formatCount(differing[own]!)} values are not what the engine computes from them; from ${others}, ${formatCount(differing[other]!)}`
    : ', as --inputs says';
  return [`  from ${mine} inputs${counts}`];
}

/** A cause that several layers have: "17 of 17 depthwise layers: rounding: rounded down". */
export function recurringLine({ class: name, layers, of, side, kind, detail }: Recurring): string {
  const whose = side === 'theirs' ? '' : 'THE REFERENCE, ';
  return `${layers} of ${of} ${name} layers: ${whose}${kind}: ${detail.split('; ')[0]}`;
}

/** One layer, for a person who has to find the mistake. */
export function describeLayer(layer: LayerExplanation): string {
  const { name, op, shape, engine, origin, mismatches, elements, maxAbsDiff } = layer;
  const { ownMismatches, ownMaxAbsDiff, where, ownWhere } = layer;
  const head = `${name}  ${op} ${formatShape(shape)}: ${formatCount(mismatches)} of ${formatCount(elements)} values differ (${percent(mismatches, elements)}), by up to ${maxAbsDiff}`;
  const notes = layer.notes.map((note) => `  note: ${note}`);
  const inputs = inputsLine(layer);
  if (origin === 'inherited')
    return [head, '  inherited: from their own inputs, every value is what the reference computes', ...notes].join(
      '\n',
    );
  if (origin === 'reference')
    return [head, `  theirs is what ${engine} computes from the same inputs; the reference is not`, ...notes].join(
      '\n',
    );
  const shown = ownMismatches === mismatches ? where : ownWhere;
  const own =
    ownMismatches === mismatches
      ? []
      : [`  of which ${formatCount(ownMismatches)} are this layer's own, by up to ${ownMaxAbsDiff}; ${restOf(layer)}`];
  return [
    head,
    ...own,
    ...inputs,
    ...(ownMismatches > 0 ? whereLines(shown, ownMismatches).map((line) => `  ${line}`) : []),
    ...layer.causes.flatMap((_, i) => causeLines(layer, i)),
    ...verdict(layer).map((line) => `  ${line}`),
    ...notes,
  ].join('\n');
}

import type { Choice } from '../problem.ts';

/** What a byte of the input or of the weights is taken to be. */
export interface SignednessChoice extends Choice {
  readonly x?: (value: number) => number;
  readonly w?: (value: number) => number;
  /** The weights' zero point, where it is not the model's. */
  readonly weightZero?: number;
}

const kind = 'signedness';
const signed = (v: number): number => (v > 127 ? v - 256 : v);
const unsigned = (v: number): number => (v < 0 ? v + 256 : v);

export function signednessChoices(
  inputSigned: boolean,
  weightSigned: boolean,
  hasWeightZero: boolean,
): SignednessChoice[] {
  const zeros: SignednessChoice[] = [
    { id: 'weight-zero-ignored', kind, detail: 'the zero point of the weights is not subtracted', weightZero: 0 },
    { id: 'weight-zero-128', kind, detail: 'the zero point of the weights is taken as 128', weightZero: 128 },
  ];
  const [x, w] = [inputSigned ? unsigned : signed, weightSigned ? unsigned : signed];
  const as = (isSigned: boolean): string => (isSigned ? 'int8 are read as uint8' : 'uint8 are read as int8');
  return [
    { id: 'right', kind, detail: 'bytes with their own signs' },
    { id: 'input', kind, detail: `inputs of ${as(inputSigned)}`, x },
    { id: 'weights', kind, detail: `weights of ${as(weightSigned)}`, w },
    { id: 'both', kind, detail: `inputs of ${as(inputSigned)}, and weights of ${as(weightSigned)}`, x, w },
    ...(hasWeightZero ? zeros : []),
  ];
}

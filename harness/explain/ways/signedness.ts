import { waysOf, type Choice } from '../problem.ts';

/** What a byte of the input or of the weights is taken to be. */
export interface SignednessChoice extends Choice {
  readonly x?: (value: number) => number;
  readonly w?: (value: number) => number;
  /** The weights' zero point, where it is not the model's. */
  readonly weightZero?: number;
}

const way = waysOf('signedness');
const signed = (v: number): number => (v > 127 ? v - 256 : v);
const unsigned = (v: number): number => (v < 0 ? v + 256 : v);
const as = (isSigned: boolean): string => (isSigned ? 'int8 are read as uint8' : 'uint8 are read as int8');

export function signednessChoices(
  inputSigned: boolean,
  weightSigned: boolean,
  hasWeightZero: boolean,
): SignednessChoice[] {
  const [x, w] = [inputSigned ? unsigned : signed, weightSigned ? unsigned : signed];
  const [inputs, weights] = [`inputs of ${as(inputSigned)}`, `weights of ${as(weightSigned)}`];
  const zeros = [
    way('weight-zero-ignored', 'the zero point of the weights is not subtracted', { weightZero: 0 }),
    way('weight-zero-128', 'the zero point of the weights is taken as 128', { weightZero: 128 }),
  ];
  return [
    way('right', 'bytes with their own signs', {}),
    way('input', inputs, { x }),
    way('weights', weights, { w }),
    way('both', `${inputs}, and ${weights}`, { x, w }),
    ...(hasWeightZero ? zeros : []),
  ];
}

import { describe, expect, it } from 'vitest';
import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import { Refusals } from './refusals.ts';

function messageOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing is thrown';
}

const refused = (reason: string, ...names: string[]): Refusals => {
  const refusals = new Refusals();
  for (const name of names)
    refusals.attempt({ name, op: 'Conv' }, () => {
      throw new UnsupportedModelError(`node '${name}' (Conv): ${reason}`);
    });
  return refusals;
};

describe('what stands in the way of a model', () => {
  it('is nothing, or one error as it is', () => {
    expect(messageOf(() => new Refusals().end())).toBe('nothing is thrown');
    expect(messageOf(() => refused('too wide', 'a').end())).toBe("node 'a' (Conv): too wide");
  });

  it('is all of it, each reason once, counted', () => {
    const refusals = refused('too wide', 'a', 'b', 'c', 'd', 'e');
    expect(messageOf(() => refusals.end())).toBe(
      "node 'a' (Conv): too wide\nNor are supported:\n  4 x Conv: too wide (b, c, d, ...)",
    );
  });

  it('gives what is not refused, and does not hide other errors', () => {
    const refusals = new Refusals();
    expect(refusals.attempt({ name: 'a', op: 'Conv' }, () => 7)).toBe(7);
    const invalid = () =>
      refusals.attempt({ name: 'a', op: 'Conv' }, () => {
        throw new InvalidModelError('torn');
      });
    expect(messageOf(invalid)).toBe('torn');
  });
});

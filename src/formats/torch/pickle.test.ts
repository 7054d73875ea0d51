import { describe, expect, it } from 'vitest';
import { InvalidModelError } from '../../errors.ts';
import { PickleGlobal, unpickle, type PickleValue } from './pickle.ts';
import {
  bool,
  call,
  dict,
  float,
  global,
  int,
  list,
  none,
  persistent,
  pickle,
  text,
  tuple,
  type Pickled,
} from '../../../tests/helpers/torch_file.ts';

const globals = new Map(
  [new PickleGlobal('m.constant'), new PickleGlobal('m.count', (args) => args.length)].map((g) => [g.name, g]),
);
const load = (bytes: Uint8Array, start = 0) =>
  unpickle(bytes, start, { globals, persistentLoad: (id) => `storage ${id as string}` });
const value = (pickled: Pickled): PickleValue => load(pickle(pickled)).value;
const raw = (...bytes: number[]): Uint8Array => Uint8Array.of(0x80, 2, ...bytes);

describe('unpickle', () => {
  it('reads what torch.save writes', () => {
    expect(value(none)).toBe(null);
    expect(value(bool(true))).toBe(true);
    expect(value(int(-7))).toBe(-7);
    expect(value([0x4b, 200])).toBe(200);
    expect(value([0x4d, 0xe8, 0x03])).toBe(1000);
    expect(value(float(0.1))).toBe(0.1);
    expect(value(text('größe'))).toBe('größe');
    expect(value(tuple(int(1), tuple(), list(int(2), text('x'))))).toEqual([1, [], [2, 'x']]);
    expect(value([0x5d, ...int(5), 0x61])).toEqual([5]);
    expect(value([...int(1), 0x85])).toEqual([1]);
    expect(value([...int(1), ...int(2), 0x86])).toEqual([1, 2]);
    expect(value([...int(1), ...int(2), ...int(3), 0x87])).toEqual([1, 2, 3]);
    expect(value(dict([['a', int(1)]]))).toEqual(new Map([['a', 1]]));
    expect(value([0x7d, ...text('k'), ...int(1), 0x73])).toEqual(new Map([['k', 1]]));
    expect(value(global('m', 'constant'))).toBe(globals.get('m.constant'));
    expect(value(call(global('m', 'count'), int(5), int(6)))).toBe(2);
    expect(value(persistent(text('7')))).toBe('storage 7');
    expect(value([...dict([['a', int(1)]]), ...dict([['_metadata', dict([])]]), 0x62])).toEqual(new Map([['a', 1]]));
  });

  it('reads long integers of any sign', () => {
    expect(value([0x8a, 0])).toBe(0);
    expect(value([0x8a, 1, 0xff])).toBe(-1);
    expect(value([0x8a, 2, 0, 0x80])).toBe(-32768);
    expect(value([0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])).toBe(
      119547037146038801333356n,
    );
  });

  it('keeps a memo and says where the pickle ends', () => {
    expect(value([...text('a'), 0x71, 3, ...tuple([0x68, 3], [0x68, 3]), 0x86])).toEqual(['a', ['a', 'a']]);
    expect(value([...text('a'), 0x72, 0xff, 0xff, 0xff, 0xff, 0x6a, 0xff, 0xff, 0xff, 0xff, 0x86])).toEqual(['a', 'a']);
    const bytes = Uint8Array.of(9, 9, ...pickle(int(1)), ...pickle(int(2)));
    const first = load(bytes, 2);
    expect(first.value).toBe(1);
    expect(load(bytes, first.end)).toEqual({ value: 2, end: bytes.length });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /truncated/],
    ['an unknown opcode', raw(0xff, 0x2e), /opcode 0xff is refused/],
    ['a protocol 4 name', raw(...text('os'), ...text('system'), 0x93, 0x2e), /opcode 0x93 \(STACK_GLOBAL\) is refused/],
    ['an instance', raw(0x28, 0x69), /opcode 0x69 \(INST\) is refused/],
    ['a new object', raw(...tuple(), 0x81), /NEWOBJ/],
    ['another protocol', Uint8Array.of(0x80, 4, 0x2e), /protocol 4; supported: 2/],
    ['a forbidden global', pickle(call(global('posix', 'system'), text('id'))), /the global 'posix.system' is refused/],
    ['a property of a prototype', pickle(global('', 'constructor')), /'.constructor' is refused/],
    ['an endless name', raw(0x63, ...new Array<number>(400).fill(0x61)), /name of a global does not end/],
    ['a call of a constant', pickle(call(global('m', 'constant'))), /a call of m.constant is refused/],
    ['a call of a string', pickle(call(text('f'))), /a call of 'f' is refused/],
    ['a call without a tuple', raw(...global('m', 'count'), ...int(1), 0x52), /m.count is called with 1/],
    ['an empty stack', raw(0x2e), /the stack is empty/],
    ['a pop through a mark', raw(...int(1), 0x28, 0x85), /the stack is empty/],
    ['a tuple without a mark', raw(0x74), /no mark/],
    ['a memo entry that is not there', raw(0x68, 1), /memo entry 1 is read before/],
    ['a number as a key', raw(0x7d, ...int(1), ...int(2), 0x73), /a dict with the key 1/],
    ['an odd number of items', raw(0x7d, 0x28, ...text('a'), 0x75), /items set in a dict of 0/],
    ['items in a list', raw(0x5d, ...text('a'), ...int(1), 0x73), /items set in a sequence of 0/],
    ['values in a dict', raw(0x7d, ...int(1), 0x61), /appended to a dict of 0/],
    ['attributes of a number', raw(...int(1), 0x7d, 0x62), /attributes of 1/],
    ['a huge string', raw(0x58, 0xff, 0xff, 0xff, 0xff, 0x61), /truncated/],
    ['text that is none', raw(0x58, 1, 0, 0, 0, 0xff), /not UTF-8/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => load(bytes)).toThrow(InvalidModelError);
    expect(() => load(bytes)).toThrow(message);
  });

  it('refuses every truncation', () => {
    const bytes = pickle(dict([['a', tuple(int(1), float(2), call(global('m', 'count')), persistent(text('x')))]]));
    for (let length = 0; length < bytes.length; length++)
      expect(() => load(bytes.subarray(0, length))).toThrow(InvalidModelError);
  });

  it('survives any bytes: a value or an InvalidModelError', () => {
    const bytes = pickle(dict([['a', tuple(int(1), float(2), call(global('m', 'count')), persistent(text('x')))]]));
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const damaged = bytes.slice();
      for (let n = 1 + random(3); n > 0; n--) damaged[random(damaged.length)] = random(256);
      try {
        load(damaged);
      } catch (error) {
        if (!(error instanceof InvalidModelError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
  });

  it('does not recurse or copy: deep nesting, shared values and a list of itself take the room of their opcodes', () => {
    const deep = value([...new Array<number>(500_000).fill(0x29), ...new Array<number>(499_999).fill(0x86)]);
    expect(deep).toHaveLength(2);
    // each level holds the last one twice: 2^200 leaves if they were copied
    const doubled = Array.from({ length: 200 }, (_, i) => [0x71, i, 0x68, i, 0x86]).flat();
    expect(value([...int(1), ...doubled])).toHaveLength(2);
    expect(value([0x5d, 0x71, 0, 0x68, 0, 0x61])).toHaveLength(1);
  });

  it('reads no pickle of more than 16 MiB', () => {
    const bytes = new Uint8Array((1 << 24) + 10).fill(0x4e);
    expect(() => load(bytes)).toThrow(/longer than 16777216 bytes/);
  });
});

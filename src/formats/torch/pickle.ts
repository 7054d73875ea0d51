import { strFromU8 } from 'fflate';
import { InvalidModelError } from '../../errors.ts';
import { HOW_TO } from './how_to.ts';

/** What a pickle can hold here. Lists and tuples are both arrays; the keys of dictionaries are strings. */
export type PickleValue =
  null | boolean | number | bigint | string | PickleValue[] | Map<string, PickleValue> | PickleGlobal | PickleObject;

/** A name that a pickle may refer to; with `call`, one that it may also call. Nothing else of Python's is reachable. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;
  /** With it, a pickle may make new objects of this type. */
  readonly create: (() => PickleObject) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue, create?: () => PickleObject) {
    this.name = name;
    this.call = call;
    this.create = create;
  }
}

/** The result of a call or of a persistent id. */
export abstract class PickleObject {
  /** What it is, for messages. */
  abstract describe(): string;
  /** Left out where a pickle may set none. */
  setState?(state: PickleValue): void;
}

/** What a pickle may name, by 'module.name', and what its persistent ids stand for. */
interface PickleEnvironment {
  readonly globals: { get(name: string): PickleGlobal | undefined };
  persistentLoad(id: PickleValue): PickleValue;
}

/** One line about a value, whatever its size. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (Array.isArray(value)) return `a sequence of ${value.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof PickleObject) return value.describe();
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  return String(value);
}

/** The opcodes that torch.save needs at its protocol, 2. */
const OP = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
} as const;

/** Names of the refused opcodes that people meet: those that can build any object, and those of later protocols. */
const REFUSED: Readonly<Record<number, string>> = {
  0x50: 'PERSID',
  0x69: 'INST',
  0x6f: 'OBJ',
  0x82: 'EXT1',
  0x83: 'EXT2',
  0x84: 'EXT4',
  0x8c: 'SHORT_BINUNICODE',
  0x92: 'NEWOBJ_EX',
  0x93: 'STACK_GLOBAL',
  0x94: 'MEMOIZE',
  0x95: 'FRAME',
};

const PROTOCOL = 2;
/** A state_dict's pickle has some 50 KB: names and shapes, no weights. */
const MAX_BYTES = 1 << 24;
/** Longer than any module or name on the list. */
const MAX_NAME_BYTES = 256;

/**
 * Reads one pickle that starts at `start`; `end` is the offset behind it.
 *
 * Nothing is executed but what `environment` offers. Memory is bounded by the pickle's length: an opcode
 * pushes one value at most, and nothing recurses.
 *
 * @throws InvalidModelError where the pickle is truncated, damaged, or uses an opcode or a global that is not on the list
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  environment: PickleEnvironment,
): { value: PickleValue; end: number } {
  const unpickler = new Unpickler(bytes.subarray(start, start + MAX_BYTES), environment);
  return { value: unpickler.run(), end: start + unpickler.position };
}

class Unpickler {
  position = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly environment: PickleEnvironment;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, environment: PickleEnvironment) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.environment = environment;
  }

  run(): PickleValue {
    for (;;) {
      const opcode = this.bytes[this.take(1)]!;
      if (opcode === OP.STOP) return this.pop();
      this.execute(opcode);
    }
  }

  private execute(opcode: number): void {
    switch (opcode) {
      case OP.PROTO:
        return this.checkProtocol(this.uint8());
      case OP.MARK:
        this.marks.push(this.stack.length);
        return;
      case OP.NONE:
        return this.push(null);
      case OP.NEWTRUE:
        return this.push(true);
      case OP.NEWFALSE:
        return this.push(false);
      case OP.BININT:
        return this.push(this.view.getInt32(this.take(4), true));
      case OP.BININT1:
        return this.push(this.uint8());
      case OP.BININT2:
        return this.push(this.view.getUint16(this.take(2), true));
      case OP.LONG1:
        return this.push(this.long(this.uint8()));
      case OP.BINFLOAT:
        return this.push(this.view.getFloat64(this.take(8)));
      case OP.BINUNICODE:
        return this.push(this.text(this.uint32()));
      case OP.EMPTY_TUPLE:
      case OP.EMPTY_LIST:
        return this.push([]);
      case OP.EMPTY_DICT:
        return this.push(new Map());
      case OP.TUPLE:
        return this.push(this.popMark());
      case OP.TUPLE1:
        return this.push([this.pop()]);
      case OP.TUPLE2:
        return this.push([this.pop(), this.pop()].reverse());
      case OP.TUPLE3:
        return this.push([this.pop(), this.pop(), this.pop()].reverse());
      case OP.APPEND:
        return this.append([this.pop()]);
      case OP.APPENDS:
        return this.append(this.popMark());
      case OP.SETITEM:
        return this.setItems([this.pop(), this.pop()].reverse());
      case OP.SETITEMS:
        return this.setItems(this.popMark());
      case OP.BINPUT:
        return this.put(this.uint8());
      case OP.LONG_BINPUT:
        return this.put(this.uint32());
      case OP.BINGET:
        return this.get(this.uint8());
      case OP.LONG_BINGET:
        return this.get(this.uint32());
      case OP.GLOBAL:
        return this.push(this.global(`${this.line()}.${this.line()}`));
      case OP.REDUCE:
        return this.reduce();
      case OP.NEWOBJ:
        return this.newObject();
      case OP.BUILD:
        return this.build();
      case OP.BINPERSID:
        return this.push(this.environment.persistentLoad(this.pop()));
      default:
        throw this.error(
          `opcode 0x${opcode.toString(16).padStart(2, '0')}${REFUSED[opcode] ? ` (${REFUSED[opcode]})` : ''} ` +
            `is refused; a state_dict saved by torch.save (pickle protocol ${PROTOCOL}) does not need it`,
        );
    }
  }

  private checkProtocol(protocol: number): void {
    if (protocol !== PROTOCOL)
      throw this.error(`protocol ${protocol}; supported: ${PROTOCOL}, the one torch.save uses unless told otherwise`);
  }

  private global(name: string): PickleGlobal {
    const found = this.environment.globals.get(name);
    if (!found)
      throw this.error(
        `the global '${name}' is refused; a state_dict of tensors does not need it. ` + `Of a whole module: ${HOW_TO}`,
      );
    return found;
  }

  private reduce(): void {
    const args = this.pop();
    const callable = this.pop();
    if (!(callable instanceof PickleGlobal) || !callable.call)
      throw this.error(`a call of ${describe(callable)} is refused`);
    if (!Array.isArray(args)) throw this.error(`${callable.name} is called with ${describe(args)}, not a tuple`);
    this.push(callable.call(args));
  }

  private newObject(): void {
    const [type, args] = this.stack.slice(-2);
    if (!(type instanceof PickleGlobal) || !type.create || !Array.isArray(args) || args.length > 0)
      throw this.error(`a new object (NEWOBJ) of ${describe(type)} from ${describe(args)} is refused`);
    this.pop();
    this.pop();
    this.push(type.create());
  }

  /** Attributes are set on a state_dict (its `_metadata`), and say nothing that is needed here, or on a new object. */
  private build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof PickleObject && object.setState) return object.setState(state);
    if (!(object instanceof Map) || !(state instanceof Map))
      throw this.error(
        `attributes of ${describe(object)} set from ${describe(state)}; supported: of a dict, from a dict`,
      );
  }

  private append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.error(`values appended to ${describe(list)}`);
    for (const value of values) list.push(value);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) throw this.error(`items set in ${describe(dict)}`);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (typeof key !== 'string') throw this.error(`a dict with the key ${describe(key)}; supported: strings`);
      dict.set(key, items[i + 1]!);
    }
  }

  private put(index: number): void {
    this.memo.set(index, this.top());
  }

  private get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.error(`memo entry ${index} is read before it is written`);
    this.push(value);
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.error('the stack is empty');
    return this.stack.at(-1)!;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.error('there is no mark');
    return this.stack.splice(mark);
  }

  /** Consumes `count` bytes and gives the offset of the first. */
  private take(count: number): number {
    const from = this.position;
    if (from + count > this.bytes.length)
      throw this.error(
        this.bytes.length === MAX_BYTES ? `longer than ${MAX_BYTES} bytes` : 'truncated: the bytes end inside it',
      );
    this.position += count;
    return from;
  }

  private uint8(): number {
    return this.bytes[this.take(1)]!;
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** Two's complement, little-endian. */
  private long(length: number): number | bigint {
    const from = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]!);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  private text(length: number): string {
    const from = this.take(length);
    return this.decode(from, from + length);
  }

  private line(): string {
    const from = this.position;
    const end = this.bytes.subarray(from, from + MAX_NAME_BYTES).indexOf(0x0a);
    if (end < 0) throw this.error('the name of a global does not end');
    this.take(end + 1);
    return this.decode(from, from + end);
  }

  private decode(from: number, to: number): string {
    const text = strFromU8(this.bytes.subarray(from, to));
    if (text.includes('\ufffd')) throw this.error('text that is not UTF-8');
    return text;
  }

  private error(message: string): InvalidModelError {
    return new InvalidModelError(`pickle, at byte ${this.position}: ${message}`);
  }
}

import { ByteBuffer } from 'flatbuffers';
import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';

/**
 * A table of a flatbuffers file, its fields by their number in the schema. Every offset is checked against the file's end,
 * and every list against a limit: tables and lists may lie on one another, so a small file can name any number of them.
 *
 * @throws InvalidModelError where an offset leads out of the file
 */
export class Table {
  readonly #file: ByteBuffer;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableLength: number;

  private constructor(file: ByteBuffer, position: number) {
    this.#file = file;
    this.#position = position;
    this.#check(position, 4);
    this.#vtable = position - file.readInt32(position);
    this.#check(this.#vtable, 4);
    this.#vtableLength = file.readUint16(this.#vtable);
    this.#check(this.#vtable, this.#vtableLength);
  }

  static root(bytes: Uint8Array): Table {
    const file = new ByteBuffer(bytes);
    if (bytes.length < 8) throw new InvalidModelError(`not a whole TensorFlow Lite file (${bytes.length} bytes)`);
    return new Table(file, file.readUint32(0));
  }

  int8 = (field: number, fallback = 0): number => this.#scalar(field, 1, fallback, (at) => this.#file.readInt8(at));
  uint8 = (field: number, fallback = 0): number => this.#scalar(field, 1, fallback, (at) => this.#file.readUint8(at));
  int32 = (field: number, fallback = 0): number => this.#scalar(field, 4, fallback, (at) => this.#file.readInt32(at));
  uint32 = (field: number, fallback = 0): number => this.#scalar(field, 4, fallback, (at) => this.#file.readUint32(at));
  float32 = (field: number, fallback = 0): number =>
    this.#scalar(field, 4, fallback, (at) => this.#file.readFloat32(at));
  /** As a number: what is beyond 2^53 is no count or offset of a real file. */
  uint64 = (field: number): number => this.#scalar(field, 8, 0, (at) => Number(this.#file.readUint64(at)));

  /** Absent: undefined. */
  table(field: number): Table | undefined {
    const at = this.#at(field, 4);
    return at === undefined ? undefined : new Table(this.#file, at + this.#file.readUint32(at));
  }

  /** @param most more are refused; `what` they are, for that message */
  tables(field: number, most: number, what: string): Table[] {
    const { first, count } = this.#vector(field, 4);
    expectCount(count, most, what);
    return Array.from({ length: count }, (_, i) => {
      const at = first + 4 * i;
      return new Table(this.#file, at + this.#file.readUint32(at));
    });
  }

  text(field: number, most: number, what: string): string {
    const { count } = this.#vector(field, 1);
    expectCount(count, most, what);
    return count === 0 ? '' : (this.#file.__string(this.#at(field, 4)!) as string);
  }

  /** Absent: no bytes. A view of the file. */
  bytes(field: number, most = Infinity, what = 'bytes'): Uint8Array {
    const { first, count } = this.#vector(field, 1);
    expectCount(count, most, what);
    return this.#file.bytes().subarray(first, first + count);
  }

  int32s(field: number, most: number, what: string): number[] {
    return this.#list(field, 4, most, what, (at) => this.#file.readInt32(at));
  }

  float32s(field: number, most: number, what: string): number[] {
    return this.#list(field, 4, most, what, (at) => this.#file.readFloat32(at));
  }

  int64s(field: number, most: number, what: string): number[] {
    return this.#list(field, 8, most, what, (at) => Number(this.#file.readInt64(at)));
  }

  #list(field: number, size: number, most: number, what: string, read: (at: number) => number): number[] {
    const { first, count } = this.#vector(field, size);
    expectCount(count, most, what);
    return Array.from({ length: count }, (_, i) => read(first + size * i));
  }

  #scalar(field: number, size: number, fallback: number, read: (at: number) => number): number {
    const at = this.#at(field, size);
    return at === undefined ? fallback : read(at);
  }

  /** Where a field is; undefined where the table does not have it. */
  #at(field: number, size: number): number | undefined {
    const entry = 4 + 2 * field;
    const offset = entry + 2 <= this.#vtableLength ? this.#file.readUint16(this.#vtable + entry) : 0;
    if (offset === 0) return undefined;
    this.#check(this.#position + offset, size);
    return this.#position + offset;
  }

  #vector(field: number, size: number): { first: number; count: number } {
    const at = this.#at(field, 4);
    if (at === undefined) return { first: 0, count: 0 };
    const vector = at + this.#file.readUint32(at);
    this.#check(vector, 4);
    const count = this.#file.readUint32(vector);
    this.#check(vector + 4, count * size);
    return { first: vector + 4, count };
  }

  #check(position: number, size: number): void {
    const length = this.#file.capacity();
    if (position < 0 || position + size > length)
      throw new InvalidModelError(
        `not a whole TensorFlow Lite file (${length} bytes): it has something at byte ${position}, ${size} bytes long`,
      );
  }
}

function expectCount(count: number, most: number, what: string): void {
  if (count > most) throw new UnsupportedModelError(`the model has ${count} ${what}; supported: up to ${most}`);
}

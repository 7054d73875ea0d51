import { append } from '../graph/rewrite.ts';
import { placeOf, type Joined } from './joined.ts';

/** Who makes and who reads each tensor, views seen as the tensors whose memory they share. */
export class Flow {
  readonly memoryOf: (tensor: string) => string;
  readonly #maker = new Map<string, Joined>();
  readonly #readers = new Map<string, Joined[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor(all: readonly Joined[], outputs: readonly string[], memoryOf: (tensor: string) => string) {
    this.memoryOf = memoryOf;
    this.#outputs = new Set(outputs.map(memoryOf));
    for (const one of all) this.#add(one);
  }

  #reads(one: Joined): string[] {
    return placeOf(one, this.memoryOf).reads.map(({ name }) => this.memoryOf(name));
  }

  #writes(one: Joined): string {
    return this.memoryOf(placeOf(one, this.memoryOf).writes.name);
  }

  #add(one: Joined): void {
    this.#maker.set(this.#writes(one), one);
    for (const tensor of this.#reads(one)) append(this.#readers, tensor, one);
  }

  /** `by` takes the place of these. */
  replace(parts: readonly Joined[], by: Joined): void {
    for (const part of parts) {
      this.#maker.delete(this.#writes(part));
      for (const tensor of this.#reads(part)) {
        const readers = this.#readers.get(tensor)!;
        const at = readers.indexOf(part);
        if (at >= 0) readers.splice(at, 1);
      }
    }
    this.#add(by);
  }

  /** The one that reads what `one` makes, once; undefined where others or the caller of the model do, too. */
  onlyReader(one: Joined): Joined | undefined {
    const tensor = this.#writes(one);
    const readers = this.#readers.get(tensor) ?? [];
    return readers.length === 1 && !this.#outputs.has(tensor) ? readers[0] : undefined;
  }

  /** All that read what `one` makes, each once. */
  readers(one: Joined): Joined[] {
    return [...new Set(this.#readers.get(this.#writes(one)))];
  }

  /** Is what it makes an output of the model? */
  isOutput(one: Joined): boolean {
    return this.#outputs.has(this.#writes(one));
  }

  /** The one that makes a tensor, for `reader` alone. */
  privateMaker(tensor: string, reader: Joined): Joined | undefined {
    const maker = this.#maker.get(this.memoryOf(tensor));
    return maker && this.onlyReader(maker) === reader ? maker : undefined;
  }

  same(a: string, b: string): boolean {
    return this.memoryOf(a) === this.memoryOf(b);
  }
}

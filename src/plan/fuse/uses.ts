import { append } from '../../graph/rewrite.ts';
import { tensorsRead, type Step } from '../../ops/step.ts';

/** Who computes and who reads each tensor, views seen as the tensors whose memory they share. */
export class Uses {
  readonly #producer = new Map<string, Step>();
  readonly #readers = new Map<string, Step[]>();
  readonly #outputs: ReadonlySet<string>;
  readonly #memoryOf: (tensor: string) => string;

  constructor(steps: readonly Step[], outputs: readonly string[], memoryOf: (tensor: string) => string) {
    this.#memoryOf = memoryOf;
    this.#outputs = new Set(outputs.map(memoryOf));
    for (const step of steps) this.#add(step);
  }

  #add(step: Step): void {
    this.#producer.set(this.#memoryOf(step.output), step);
    for (const tensor of tensorsRead(step)) append(this.#readers, this.#memoryOf(tensor), step);
  }

  /** `by` takes the place of these steps. */
  replace(steps: readonly Step[], by: Step): void {
    for (const step of steps) {
      this.#producer.delete(this.#memoryOf(step.output));
      for (const tensor of tensorsRead(step)) {
        const readers = this.#readers.get(this.#memoryOf(tensor))!;
        const at = readers.indexOf(step);
        if (at >= 0) readers.splice(at, 1);
      }
    }
    this.#add(by);
  }

  /** The step that computes a tensor; undefined for inputs of the graph. */
  producer(tensor: string): Step | undefined {
    return this.#producer.get(this.#memoryOf(tensor));
  }

  /** The one step that reads what `step` computes, once; undefined where others or the caller do, too. */
  onlyReader(step: Step): Step | undefined {
    const readers = this.#readers.get(this.#memoryOf(step.output)) ?? [];
    return readers.length === 1 && !this.#outputs.has(this.#memoryOf(step.output)) ? readers[0] : undefined;
  }

  /** The step that computes `tensor` for `reader` alone. */
  privateProducer(tensor: string, reader: Step): Step | undefined {
    const producer = this.producer(tensor);
    return producer && this.onlyReader(producer) === reader ? producer : undefined;
  }

  same(a: string, b: string): boolean {
    return this.#memoryOf(a) === this.#memoryOf(b);
  }
}

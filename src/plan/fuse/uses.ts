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
    for (const step of steps) {
      this.#producer.set(memoryOf(step.output), step);
      for (const tensor of tensorsRead(step)) append(this.#readers, memoryOf(tensor), step);
    }
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

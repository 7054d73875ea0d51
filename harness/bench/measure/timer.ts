/** Times what compute passes do on the GPU. */
export class PassTimer {
  readonly device: GPUDevice;
  /** Passes that a reading can hold. */
  static readonly #PASSES = 16;
  readonly #queries: GPUQuerySet | undefined;
  readonly #resolved: GPUBuffer | undefined;
  readonly #read: GPUBuffer | undefined;

  /** Works on a device with or without 'timestamp-query': without, it times submits by the page's clock. */
  constructor(device: GPUDevice) {
    this.device = device;
    if (!device.features.has('timestamp-query')) return;
    const count = 2 * PassTimer.#PASSES;
    this.#queries = device.createQuerySet({ type: 'timestamp', count });
    this.#resolved = device.createBuffer({
      size: 8 * count,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    this.#read = device.createBuffer({ size: 8 * count, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  }

  get byTimestamps(): boolean {
    return this.#queries !== undefined;
  }

  /**
   * Milliseconds that the compute passes take which `work` submits on this device. Every encoder that `work` makes
   * gets timestamps at the ends of its passes.
   *
   * @throws RangeError where there are more passes than a reading holds
   */
  async time(work: () => Promise<unknown>): Promise<number> {
    if (!this.#queries) {
      const begin = performance.now();
      await work();
      await this.device.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    }
    let passes = 0;
    const queries = this.#queries;
    // an own property before the prototype's method, for as long as `work` runs
    const watched = this.device as { createCommandEncoder?: GPUDevice['createCommandEncoder'] };
    const create = this.device.createCommandEncoder.bind(this.device);
    watched.createCommandEncoder = (descriptor) => {
      const encoder = create(descriptor);
      const begin = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (pass) => {
        const index = 2 * passes++;
        if (passes > PassTimer.#PASSES) throw new RangeError(`more than ${PassTimer.#PASSES} compute passes`);
        const timestampWrites = { querySet: queries, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 };
        return begin({ ...pass, timestampWrites });
      };
      return encoder;
    };
    try {
      await work();
    } finally {
      delete watched.createCommandEncoder;
    }
    return this.#elapsed(passes);
  }

  async #elapsed(passes: number): Promise<number> {
    const [resolved, read] = [this.#resolved!, this.#read!];
    const encoder = this.device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries!, 0, 2 * passes, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, read, 0, 16 * passes);
    this.device.queue.submit([encoder.finish()]);
    await read.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(read.getMappedRange().slice(0));
    read.unmap();
    let nanoseconds = 0n;
    for (let i = 0; i < passes; i++) nanoseconds += times[2 * i + 1]! - times[2 * i]!;
    return Number(nanoseconds) / 1e6;
  }

  release(): void {
    this.#queries?.destroy();
    this.#resolved?.destroy();
    this.#read?.destroy();
  }
}

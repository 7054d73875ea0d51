import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { base64, decode, encode, type JsonTensors, type Tensors } from './json.ts';

/** Python's onnxruntime in a process of its own: run.py, by a Python or what runs one. One request at a time. */
export class PythonOnnxruntime {
  readonly #process;
  readonly #answers: AsyncIterator<string>;

  constructor(python: string, ...options: readonly string[]) {
    const args = [...options, 'e2e/onnxruntime/run.py'];
    this.#process = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error where onnxruntime does not take the model, base64 */
  async ask(model: string, feeds: JsonTensors): Promise<JsonTensors> {
    this.#process.stdin.write(`${JSON.stringify({ model, feeds })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('run.py has ended');
    const { outputs, error } = JSON.parse(value) as { outputs?: JsonTensors; error?: string };
    if (!outputs) throw new Error(error);
    return outputs;
  }

  async run(model: Uint8Array, feeds: Tensors): Promise<Tensors> {
    return decode(await this.ask(base64(model), encode(feeds)));
  }

  close(): void {
    this.#process.stdin.end();
  }
}

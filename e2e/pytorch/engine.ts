import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Case } from '../../harness/cases/case.ts';
import type { Constant, TensorInfo } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/tensor.ts';
import { base64, decode, type JsonTensors } from '../onnxruntime/json.ts';

const quantized = ({ quantization }: Pick<TensorInfo, 'quantization'>) =>
  quantization && {
    scales: [...quantization.scale],
    zero: quantization.zeroPoint[0],
    per_channel: quantization.axis !== undefined,
  };

const stored = (constant: Constant | undefined) =>
  constant && { ...quantized(constant), dims: constant.shape, data: base64(constant.data) };

/** Real PyTorch in a process of its own: run.py. One request at a time. */
export class PythonPyTorch {
  readonly #process;
  readonly #answers: AsyncIterator<string>;

  /** @param environment what fbgemm is told of the processor */
  constructor(python: string, environment: Record<string, string> = {}) {
    this.#process = spawn(python, ['e2e/pytorch/run.py'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** What an engine of PyTorch's own name gives for a generated case. @throws Error where it does not take it */
  async run(engine: string, { graph, feeds }: Case): Promise<Tensor> {
    const [{ op, attributes }] = graph.nodes as [(typeof graph.nodes)[number]];
    const request = {
      engine,
      op,
      relu: attributes['relu'] === 1,
      pads: attributes['pads'],
      group: attributes['group'],
      inputs: graph.inputs.map((input) => ({
        ...quantized(input),
        dims: input.shape,
        data: base64(feeds[input.name]!.data),
      })),
      weight: stored(graph.constants.get('w')),
      bias: stored(graph.constants.get('b')),
      output: quantized(graph.tensors.get('y') ?? {}),
    };
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('run.py has ended');
    const { error, ...y } = JSON.parse(value) as JsonTensors[string] & { readonly error?: string };
    if (error !== undefined) throw new Error(error);
    return decode({ y })['y']!;
  }

  close(): void {
    this.#process.stdin.end();
  }
}

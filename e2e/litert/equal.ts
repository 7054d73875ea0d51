import { spawnSync } from 'node:child_process';
import { bitsOf, firstDifference } from '../../harness/compare/bits.ts';
import { Random } from '../../models/random.ts';
import { readModel } from '../../src/formats/index.ts';
import { elementCount, newElementData, type ElementType } from '../../src/graph/graph.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { Tensor } from '../../src/tensor.ts';
import { writeTflite, type TfliteModel } from '../../tests/helpers/tflite_file.ts';
import { toNchw } from '../../tests/helpers/tflite_operators.ts';
import { expect } from '../gpu.ts';
import { base64, decode, encode, type JsonTensors, type Tensors } from '../onnxruntime/json.ts';

export interface Network {
  readonly name: string;
  readonly model: TfliteModel;
}

export type Kernels = 'reference' | 'builtin' | 'xnnpack';

/** A Python with LiteRT: the command and its first arguments. */
export type Python = readonly [command: string, ...args: string[]];

/** Any values of a model's inputs, as the file counts them. */
function inputsOf({ tensors, inputs }: TfliteModel): Tensors {
  const random = new Random(1);
  const value = {
    float32: () => (random.unit() - 0.5) * 8,
    uint8: () => random.integer(0, 255),
    int8: () => random.integer(-128, 127),
  };
  const entries = inputs.map((name) => {
    const { type, shape } = tensors.find((tensor) => tensor.name === name)!;
    const data = newElementData(type as ElementType, elementCount(shape));
    return [
      name,
      new Tensor(type as ElementType, data.map(value[type as keyof typeof value] as never) as never, shape),
    ];
  });
  return Object.fromEntries(entries);
}

const inGraph = ({ data, dims }: Tensor) => toNchw(data as never, dims) as Tensor['data'];

/** Every tensor an output: what XNNPACK shows of the inner ones. */
const watched = ({ name, model }: Network): Network => ({
  name: `${name}, watched`,
  model: { ...model, outputs: model.operators.flatMap(({ outputs }) => outputs) },
});

/** A kernel set of LiteRT on networks, and the engine that it is. */
export interface Compared {
  readonly kernels: Kernels;
  readonly engine: string;
  readonly networks: readonly Network[];
}

/** Every tensor that LiteRT shows of networks is the same on the host. */
export function expectHostEqual(python: Python, sets: readonly Compared[]): void {
  const all = sets.flatMap(({ kernels, engine, networks }) =>
    networks
      .flatMap((one) => (kernels === 'xnnpack' ? [one, watched(one)] : [one]))
      .map(({ name, model }) => {
        const [bytes, inputs] = [writeTflite(model), inputsOf(model)];
        return { name: `${kernels}: ${name}`, kernels, engine, model, bytes, inputs };
      }),
  );
  const requests = all.map(({ kernels, bytes, inputs }) => ({ model: base64(bytes), kernels, feeds: encode(inputs) }));
  const [command, ...args] = python;
  const { stdout, stderr } = spawnSync(command, [...args, 'e2e/litert/run.py'], {
    input: requests.map((request) => JSON.stringify(request)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const answers = stdout.trim().split('\n');
  expect(answers.length, stderr).toBe(all.length);

  const wrong: string[] = [];
  for (const [i, { name, kernels, engine, model, bytes, inputs }] of all.entries()) {
    const { tensors, error } = JSON.parse(answers[i]!) as { tensors?: JsonTensors; error?: string };
    expect(error, name).toBeUndefined();
    const theirs = decode(tensors!);
    const graph = readModel(bytes);
    const feeds = graph.inputs.map(({ name: input, type, shape }) => {
      return [input, new Tensor(type, inGraph(inputs[input]!) as never, shape)] as const;
    });
    const trace = referenceTrace(createPlan(graph, { engine }), Object.fromEntries(feeds));
    const ours = new Map(trace.tensors.map((tensor) => [tensor.name, tensor]));
    const computed = model.operators.flatMap(({ outputs }) => outputs);
    const shown = kernels === 'xnnpack' ? model.outputs : computed;
    expect(Object.keys(theirs), name).toEqual(expect.arrayContaining([...shown]));
    for (const output of shown) {
      const { op } = model.operators.find(({ outputs }) => outputs[0] === output)!;
      const { count } = firstDifference(bitsOf(ours.get(output)!.data), bitsOf(inGraph(theirs[output]!)));
      if (count > 0) wrong.push(`${name}: ${count} of ${ours.get(output)!.data.length} of ${op} '${output}'`);
    }
  }
  expect(wrong).toEqual([]);
}

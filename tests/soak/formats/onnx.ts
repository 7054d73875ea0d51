import { WireType } from '@bufbuild/protobuf/wire';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../models/random.ts';
import { newElementData, elementCount } from '../../../src/graph/graph.ts';
import { readModel } from '../../../src/formats/index.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { planMemory } from '../../../src/plan/cost.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { Tensor } from '../../../src/tensor.ts';
import { smallMovesModel, smallQdqModel, smallQOperatorModel } from '../../helpers/small_onnx.ts';
import { limit, type FuzzedFormat } from '../format.ts';
import { messagesOf, parse, write, type Field, type Message, type Schema } from './proto.ts';

const SCHEMA: Schema = {
  model: { 7: 'graph', 8: 'opset' },
  graph: { 1: 'node', 5: 'tensor', 11: 'value', 12: 'value' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor' },
  value: { 2: 'type' },
  type: { 1: 'tensorType' },
  tensorType: { 2: 'shape' },
  shape: { 1: 'dimension' },
};

/** Where other people's models are; larger ones are slow. */
const FOLDERS = ['models', 'models/public', 'models/wrong', 'models/crash'].map((name) => join('../shared', name));
const MOST_BYTES = 10_000;
/** Values of an input, and multiply-adds, up to which a plan is computed on the host, too. */
const MOST_ELEMENTS = 20_000;
const MOST_MACS = 200_000;

async function corpus(): Promise<Uint8Array[]> {
  const files = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.onnx'))
      .sort()
      .map((name) => join(folder, name)),
  );
  const own = [smallQOperatorModel(), smallQOperatorModel({ dims: [1, 3, 8, 8] }), smallQdqModel(), smallMovesModel()];
  return [...own, ...files.filter((file) => statSync(file).size <= MOST_BYTES).map((file) => readFileSync(file))];
}

const texts = (messages: readonly Message[]): Uint8Array[] =>
  messages
    .filter(({ kind }) => kind === 'node')
    .flatMap(({ fields }) => fields)
    .flatMap(({ number, value }) => (number <= 4 && value instanceof Uint8Array ? [value] : []));

const LONG_NAME = new Uint8Array(1 << 20).fill(0x61);

function changeValue(field: Field, messages: readonly Message[], random: Random): void {
  const { value, wire } = field;
  if (typeof value === 'bigint') {
    field.value = random.chance(0.7) ? BigInt(limit(random)) : value + BigInt(random.integer(-3, 3));
  } else if (value instanceof Uint8Array) {
    const known = texts(messages);
    if (wire === WireType.LengthDelimited && known.length > 0 && random.chance(0.6)) field.value = random.pick(known);
    else if (wire === WireType.LengthDelimited && random.chance(0.03)) field.value = LONG_NAME;
    else field.value = value.map((byte) => (random.chance(0.3) ? random.integer(0, 255) : byte));
  }
}

/** How often a field is repeated: a few times, rarely very often. */
const often = (random: Random): number => (random.chance(0.98) ? random.integer(1, 3) : random.integer(100, 20_000));

function mutate(file: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const model = parse(file, 'model', SCHEMA);
  for (let change = random.integer(1, 5); change > 0; change--) {
    const messages = messagesOf(model);
    const message = random.pick(messages);
    const { fields } = message;
    if (fields.length === 0) continue;
    const at = random.integer(0, fields.length - 1);
    const kind = random.unit();
    if (kind < 0.55) changeValue(fields[at]!, messages, random);
    else if (kind < 0.65) fields.splice(at, 1);
    else if (kind < 0.75) fields.splice(at, 0, ...Array.from({ length: often(random) }, () => ({ ...fields[at]! })));
    else if (kind < 0.83) fields.push(...fields.splice(at, 1));
    else if (kind < 0.9) fields[at]!.number = random.integer(1, 15);
    else {
      // a message of another file in the place of one of its kind, or beside it
      const other = messagesOf(parse(random.pick(others), 'model', SCHEMA)).filter((m) => m.kind === message.kind);
      const taken = other.length > 0 ? random.pick(other).fields : [];
      if (random.chance(0.5)) message.fields = [...taken];
      else fields.push(...taken);
    }
  }
  return write(model);
}

function use(file: Uint8Array): void {
  const plan = createPlan(readModel(file), { fusion: 'blocks' });
  planMemory(plan);
  const { graph, steps } = plan;
  const elements = [...graph.tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const macs = steps.reduce((sum, step) => sum + step.macs, 0);
  if (elements > MOST_ELEMENTS || macs > MOST_MACS) return;
  const zeros = graph.inputs.map(({ name, type, shape }) => [
    name,
    new Tensor(type, newElementData(type, elementCount(shape)) as never, shape),
  ]);
  referenceTrace(plan, Object.fromEntries(zeros));
}

export const onnx: FuzzedFormat = { name: 'onnx', corpus, mutate, use };

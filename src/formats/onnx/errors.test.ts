import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { writeOnnx, type OnnxModel, type OnnxNode } from '../../../models/onnx_writer.ts';
import { readModel } from '../index.ts';
import { createPlan } from '../../plan/plan.ts';

const node = (name: string, inputs: string[], outputs: string[], op = 'Relu'): OnnxNode => ({
  name,
  op,
  domain: '',
  inputs,
  outputs,
  attributes: {},
});

const model = (nodes: OnnxNode[], parts: Partial<OnnxModel> = {}): Uint8Array =>
  writeOnnx({
    name: 'wrong',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 4] }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes,
    constants: [],
    ...parts,
  });

/** The model with an initializer whose data lies in a file beside it. */
function withExternalData(bytes: Uint8Array): Uint8Array {
  const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string('location');
  entry.tag(2, WireType.LengthDelimited).string('weights.bin');
  const tensor = new BinaryWriter().tag(2, WireType.Varint).int32(1).tag(8, WireType.LengthDelimited).string('w');
  tensor.tag(13, WireType.LengthDelimited).bytes(entry.finish());
  const graph = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(tensor.finish());
  return Uint8Array.of(...bytes, ...new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph.finish()).finish());
}

describe('a model that is wrong is refused by an error that names the place', () => {
  it.each([
    [
      'a JPEG',
      () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16),
      /InvalidModelError: this is a JPEG picture, not a model/,
    ],
    [
      'a missing initializer',
      () => model([node('first', ['x', 'w'], ['y'], 'Add')]),
      /InvalidModelError: node 'first' \(Add\) uses 'w', which is no input, no initializer and no node's output/,
    ],
    [
      'a cycle',
      () => model([node('first', ['b'], ['a']), node('second', ['a'], ['b']), node('last', ['x'], ['y'])]),
      /InvalidModelError: the graph has a cycle through node 'first' \(Relu\)/,
    ],
    [
      'external data that is not there',
      () => withExternalData(model([node('first', ['x', 'w'], ['y'], 'Add')])),
      /UnsupportedModelError: tensor 'w' keeps its data in another file \('weights.bin'\)/,
    ],
    [
      'a float model',
      () => model([node('first', ['x'], ['y'])]),
      /UnsupportedModelError: the model is not quantized: none of its 1 nodes has 8-bit operands/,
    ],
  ])('%s', (_, make, message) => {
    let error = 'accepted';
    try {
      createPlan(readModel(make()));
    } catch (thrown) {
      error = `${(thrown as Error).name}: ${(thrown as Error).message}`;
    }
    expect(error).toMatch(message);
  });
});

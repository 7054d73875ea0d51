import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { parseOnnx, parseTensor } from '../../src/formats/onnx/proto.ts';
import { readConstant } from '../../src/formats/onnx/tensors.ts';
import { Tensor } from '../../src/tensor.ts';

/** One of the ONNX project's node tests. */
export interface NodeTest {
  /** With every operand but the first as an initializer: scales, zero points and weights are constants to exact8. */
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly expected: Readonly<Record<string, Tensor>>;
}

/** Reads a folder with model.onnx and test_data_set_0. Concatenated protobuf messages merge, so initializers are appended. */
export function nodeTest(folder: string, read: (path: string) => Uint8Array): NodeTest {
  const model = read(`${folder}/model.onnx`);
  const { inputs, outputs } = parseOnnx(model).graph!;
  const raw = (kind: string, index: number): Uint8Array => read(`${folder}/test_data_set_0/${kind}_${index}.pb`);
  const tensor = (kind: string, index: number): Tensor => {
    const { type, data, shape } = readConstant(parseTensor(raw(kind, index)));
    return new Tensor(type, data as never, shape);
  };
  const graph = new BinaryWriter();
  for (const [index, { name }] of inputs.entries()) {
    if (index === 0) continue;
    // a tensor's name is field 8; the last one given counts
    const named = new BinaryWriter().tag(8, WireType.LengthDelimited).string(name).finish();
    graph.tag(5, WireType.LengthDelimited).bytes(Uint8Array.of(...raw('input', index), ...named));
  }
  const initializers = new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph.finish()).finish();
  return {
    model: Uint8Array.of(...model, ...initializers),
    feeds: { [inputs[0]!.name]: tensor('input', 0) },
    get expected() {
      return Object.fromEntries(outputs.map(({ name }, index) => [name, tensor('output', index)]));
    },
  };
}

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Tensor } from '../../src/tensor.ts';
import { OnnxNetwork } from './onnx_network.ts';

/** A model whose constant w, two bytes, lies in another file. */
export function withExternalWeight(place: string | Readonly<Record<string, string>>): Uint8Array {
  const entries = typeof place === 'string' ? { location: place, offset: '1', length: '2' } : place;
  const made = new OnnxNetwork();
  const x = made.dequantize(made.input(new Tensor('uint8', Uint8Array.of(3, 200), [2])), 0.1, 100);
  const w = made.op('DequantizeLinear', ['w', made.float(0.5), made.constant(Uint8Array.of(7))]);
  made.output(made.quantize(made.op('Add', [x, w]), 0.2, 100));
  const tensor = new BinaryWriter().tag(1, WireType.Varint).int64(2).tag(2, WireType.Varint).int32(2);
  tensor.tag(8, WireType.LengthDelimited).string('w').tag(14, WireType.Varint).int32(1);
  for (const [key, value] of Object.entries(entries)) {
    const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key);
    entry.tag(2, WireType.LengthDelimited).string(value);
    tensor.tag(13, WireType.LengthDelimited).bytes(entry.finish());
  }
  const graph = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(tensor.finish());
  const more = new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph.finish());
  return Uint8Array.of(...made.bytes(), ...more.finish());
}

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A message with its length-delimited fields replaced; `undefined` drops one. */
export function rewriteMessage(
  message: Uint8Array,
  replace: (field: number, bytes: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const [reader, writer] = [new BinaryReader(message), new BinaryWriter()];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const from = reader.pos;
    if (wire !== WireType.LengthDelimited) {
      reader.skip(wire, field);
      writer.tag(field, wire).raw(message.subarray(from, reader.pos));
      continue;
    }
    const bytes = replace(field, reader.bytes());
    if (bytes) writer.tag(field, wire).bytes(bytes);
  }
  return writer.finish();
}

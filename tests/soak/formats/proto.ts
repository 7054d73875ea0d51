import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A field of a protobuf message: a number, bytes (or what a fixed-size field holds), or a message of known fields. */
export interface Field {
  number: number;
  wire: WireType;
  value: bigint | Uint8Array | Message;
}

export interface Message {
  kind: string;
  fields: Field[];
}

/** For each kind of message, the fields that are messages, and their kinds. */
export type Schema = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** @throws where the bytes are no such message */
export function parse(bytes: Uint8Array, kind: string, schema: Schema): Message {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const inner = schema[kind]?.[number];
    if (wire === WireType.Varint) fields.push({ number, wire, value: BigInt(reader.int64()) });
    else if (wire === WireType.LengthDelimited) {
      const value = reader.bytes();
      fields.push({ number, wire, value: inner ? parse(value, inner, schema) : value });
    } else {
      const length = wire === WireType.Bit64 ? 8 : 4;
      fields.push({ number, wire, value: bytes.slice(reader.pos, reader.pos + length) });
      reader.skip(wire, number);
    }
  }
  return { kind, fields };
}

export function write({ fields }: Message): Uint8Array {
  const writer = new BinaryWriter();
  for (const { number, wire, value } of fields) {
    writer.tag(number, wire);
    if (typeof value === 'bigint') writer.int64(BigInt.asIntN(64, value));
    else if (wire === WireType.LengthDelimited) writer.bytes(value instanceof Uint8Array ? value : write(value));
    else writer.raw(value as Uint8Array);
  }
  return writer.finish();
}

/** The message and all messages inside it. */
export function messagesOf(message: Message): Message[] {
  const inner = message.fields.flatMap(({ value }) =>
    typeof value === 'bigint' || value instanceof Uint8Array ? [] : messagesOf(value),
  );
  return [message, ...inner];
}

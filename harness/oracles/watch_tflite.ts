import { ByteBuffer } from 'flatbuffers';

/** Fields of Model, SubGraph and Operator. */
const [SUBGRAPHS, SUBGRAPH_OUTPUTS, OPERATORS, OPERATOR_OUTPUTS] = [2, 2, 3, 2];

/** A file that has been read without an error, so all that it refers to is in it. */
class Reader {
  readonly #file: ByteBuffer;

  constructor(bytes: Uint8Array) {
    this.#file = new ByteBuffer(bytes);
  }

  /** Where a field of a table is. */
  field = (table: number, field: number): number => table + this.#file.__offset(table, 4 + 2 * field);

  root = (): number => this.#file.__indirect(0);

  tables = (field: number): number[] => this.#elements(field).map((at) => this.#file.__indirect(at));

  int32s = (field: number): number[] => this.#elements(field).map((at) => this.#file.readInt32(at));

  #elements(field: number): number[] {
    const first = this.#file.__vector(field);
    return Array.from({ length: this.#file.__vector_len(field) }, (_, i) => first + 4 * i);
  }
}

/**
 * A .tflite file whose outputs are followed by every tensor that an operator computes: a list is put behind the file's end, and
 * the subgraph's offset leads there; nothing else is touched.
 *
 * @param model a file that `readTflite` takes
 */
export function watchTflite(model: Uint8Array): Uint8Array {
  const reader = new Reader(model);
  const [subgraph] = reader.tables(reader.field(reader.root(), SUBGRAPHS)) as [number];
  const outputs = reader.field(subgraph, SUBGRAPH_OUTPUTS);
  const computed = reader
    .tables(reader.field(subgraph, OPERATORS))
    .flatMap((operator) => reader.int32s(reader.field(operator, OPERATOR_OUTPUTS)));
  const all = [...new Set([...reader.int32s(outputs), ...computed])];
  const end = Math.ceil(model.length / 4) * 4;
  const watched = new Uint8Array(end + 4 + 4 * all.length);
  watched.set(model);
  const view = new DataView(watched.buffer);
  view.setUint32(outputs, end - outputs, true);
  for (const [i, value] of [all.length, ...all].entries()) view.setInt32(end + 4 * i, value, true);
  return watched;
}

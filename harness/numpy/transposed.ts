import type { ElementData } from '../../src/graph/graph.ts';

/** [outer, rows, columns] as [outer, columns, rows]: NCHW as NHWC, where rows are channels and columns pixels, or back. */
export function transposed<T extends ElementData>(data: T, rows: number, columns: number): T {
  const result = data.slice() as Uint8Array;
  let to = 0;
  for (let from = 0; from < data.length; from += rows * columns)
    for (let column = 0; column < columns; column++)
      for (let row = 0; row < rows; row++) result[to++] = (data as Uint8Array)[from + row * columns + column]!;
  return result as ElementData as T;
}

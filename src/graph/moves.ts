/**
 * Operators that only move elements, or choose among them: the output has the type of the first operand, and quantizing
 * before or behind them is the same. Each has a file in `src/layers`.
 */
export const MOVES: ReadonlySet<string> = new Set([
  'MaxPool',
  'ReduceMax',
  'Transpose',
  'Slice',
  'Split',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Identity',
  'Pad',
  'Resize',
  'DepthToSpace',
  'SpaceToDepth',
  'Pick',
  'Gather',
  'Concat',
]);

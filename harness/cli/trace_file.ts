import { Tensor } from '../../src/tensor.ts';
import { matchRecorded, type Recorded } from '../compare/match_trace.ts';
import { openNpz } from '../numpy/npz.ts';
import type { Feeds } from './feeds.ts';
import { readInput } from './files.ts';
import type { LoadedModel } from './model.ts';

/**
 * A recorded trace, matched with a model's tensors, before any browser is started.
 *
 * @throws InvalidInputError where the file is damaged, or an array cannot be the tensor that it is named after
 */
export async function readRecorded(model: LoadedModel, path: string): Promise<Recorded> {
  return matchRecorded(
    openNpz(await readInput(path)),
    [...model.plan.graph.tensors.values()],
    path,
    model.graph.layout,
  );
}

/** Recorded tensors in the shapes and types of the plan. */
export function recordedFeeds(model: LoadedModel, recorded: Recorded): Feeds {
  return Object.fromEntries(
    [...recorded.tensors].map(([name, data]) => {
      const { type, shape } = model.plan.graph.tensors.get(name)!;
      return [name, new Tensor(type, data as never, shape)];
    }),
  );
}

/** What had to be resolved, and what could not be compared. */
export function describeRecorded({ notes, missing, unknown }: Recorded): string[] {
  const list = (names: readonly string[]): string =>
    names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
  return [
    ...notes,
    ...(missing.length > 0 ? [`not in the trace: ${list(missing)}`] : []),
    ...(unknown.length > 0 ? [`not in the model: ${list(unknown)}`] : []),
  ];
}

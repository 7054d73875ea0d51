import { InvalidInputError } from '../../src/errors.ts';
import { Tensor } from '../../src/tensor.ts';
import { matchRecorded, renamed, type Arrays, type Recorded } from '../compare/match_trace.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { openNpz } from '../numpy/npz.ts';
import type { Feeds } from './feeds.ts';
import { readInput } from './files.ts';
import type { LoadedModel } from './model.ts';
import type { MapOptions } from './options.ts';

/**
 * The arrays of a file under the names that the file of --map gives them.
 *
 * @throws InvalidInputError where it is no JSON object of names, or the model has no such tensor
 */
export async function withMap(model: LoadedModel, { map }: MapOptions, npz: Arrays): Promise<Arrays> {
  if (map === undefined) return npz;
  const tensorOf = parseMap(map, new TextDecoder().decode(await readInput(map)));
  const tensors = [...model.plan.graph.tensors.keys()];
  for (const tensor of tensorOf.values()) {
    if (!tensors.includes(tensor))
      throw new InvalidInputError(
        `${map}: the model has no tensor '${tensor}'; nearest are ${nearestNames(tensor, tensors)}`,
      );
  }
  return renamed(npz, tensorOf);
}

function parseMap(path: string, text: string): ReadonlyMap<string, string> {
  let map: unknown;
  try {
    map = JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(`${path}: no JSON: ${(error as Error).message}`);
  }
  const entries = typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.entries(map) : [];
  if (entries.length === 0 || entries.some(([, tensor]) => typeof tensor !== 'string'))
    throw new InvalidInputError(`${path}: expected {"name of an array": "name of a tensor", ...}`);
  return new Map(entries as [string, string][]);
}

/**
 * A recorded trace, matched with a model's tensors, before any browser is started.
 *
 * @throws InvalidInputError where the file is damaged, or an array cannot be the tensor that it is named after
 */
export async function readRecorded(model: LoadedModel, path: string, options: MapOptions): Promise<Recorded> {
  const npz = await withMap(model, options, openNpz(await readInput(path)));
  return matchRecorded(npz, [...model.plan.graph.tensors.values()], path, model.graph.layout);
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

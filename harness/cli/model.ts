import { DEFAULT_LABELS, defaultModel } from '../../models/index.ts';
import { InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Fusion } from '../../src/join/fusion.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import { findEngine } from '../../src/engines/index.ts';
import { knownRecipe } from '../images/known_models.ts';
import { recipeName, RECIPE_NAMES, sizeOf, type RecipeName } from '../../src/recipes.ts';
import type { EngineChoice, RemoteModel, Shapes } from '../worker/remote.ts';
import { wholeOnnx } from '../oracles/whole_onnx.ts';
import { externalFiles } from './external_files.ts';
import { readInput } from './files.ts';
import type { EngineFlags, FusionOptions, InputFileOptions, ModelOptions } from './options.ts';
import { progress } from './output.ts';
import { sha256 } from './sha256.ts';
import { openShapes, type ShapeOptions } from './shapes.ts';

export interface LoadedModel {
  /** The file's path, or 'default'. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string;
  readonly graph: Graph;
  readonly plan: Plan;
  /** Of inputs that the model leaves open. */
  readonly shapes: Shapes;
  /** Whose bits are computed. */
  readonly engine: EngineChoice;
  /** How far dispatches are joined, where it was asked for. */
  readonly fusion?: Fusion;
  /** The recipe for pictures, where it is known for this very file. */
  readonly recipe?: RecipeName;
  readonly labels?: readonly string[];
}

/** The name of the built-in model. */
export const DEFAULT_MODEL = 'default';

/** What every model of a format takes: .pth files are torchvision's MobileNetV2. */
const RECIPES_OF_FORMATS: Readonly<Record<string, RecipeName>> = { torch: 'torchvision' };

export const remoteModel = (path: string, { engine, shapes, graph: { outputs } }: LoadedModel): RemoteModel => ({
  path,
  engine,
  shapes,
  outputs,
});

/**
 * Reads and plans a model, before any browser is started.
 *
 * @param engineOf whose bits are computed where none is named
 * @throws InvalidInputError, InvalidModelError, UnsupportedModelError
 */
export async function loadModel(
  options: EngineFlags & FusionOptions & ShapeOptions & InputFileOptions & Pick<ModelOptions, 'model' | 'outputs'>,
  engineOf: (graph: Graph) => string = (graph) => graph.engine,
): Promise<LoadedModel> {
  const { model: path, engine: wanted, threads, fusion, outputs } = options;
  progress(path === undefined ? 'building the default model' : `reading ${path}`);
  const file = path === undefined ? await defaultModel() : await readInput(path);
  const externalData = path === undefined ? {} : await externalFiles(path, file);
  const graph = readModel(file, { outputs, externalData });
  // what reads the file behind this reads one that is whole
  const bytes = graph.format === 'onnx' ? wholeOnnx(file, outputs, externalData) : file;
  progress('planning');
  const engine = { name: wanted ?? engineOf(graph), options: threads === undefined ? {} : { threads } };
  const hash = sha256(bytes);
  const recipe = path === undefined ? 'nsfwjs' : (knownRecipe(hash) ?? RECIPES_OF_FORMATS[graph.format]);
  const prepared = options.preprocess === undefined ? recipe : recipeName(options.preprocess);
  const shapes = await openShapes(graph, options, prepared && sizeOf(prepared));
  const plan = createPlan(graph, {
    engine: findEngine(engine.name, engine.options),
    fusion: fusion ?? 'none',
    shapes,
  });
  return {
    name: path ?? DEFAULT_MODEL,
    bytes,
    hash,
    graph,
    plan,
    shapes,
    engine,
    ...(fusion && { fusion }),
    ...(recipe && { recipe }),
    ...(path === undefined && { labels: DEFAULT_LABELS }),
  };
}

/** @throws InvalidInputError where no recipe is named, and none is known for the model. */
export function chooseRecipe(model: LoadedModel, named: string | undefined): RecipeName {
  if (named !== undefined) return recipeName(named);
  if (model.recipe) return model.recipe;
  throw new InvalidInputError(
    `how pictures are prepared for ${model.name} is not known: say --preprocess ${RECIPE_NAMES.join('|')}`,
  );
}

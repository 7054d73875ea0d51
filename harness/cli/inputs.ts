import { InvalidInputError } from '../../src/errors.ts';
import { preprocess } from '../../src/recipes.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { pictureInput, readFeeds, type Feeds } from './feeds.ts';
import { readInput } from './files.ts';
import { chooseRecipe, type LoadedModel } from './model.ts';
import { extremeFeeds, randomFeeds } from './generated_inputs.ts';

export interface InputOptions {
  readonly image?: string;
  readonly input?: string;
  readonly random?: number;
  readonly extremes?: boolean;
  readonly preprocess?: string;
}

/** Pictures are decoded by a browser. */
interface PictureDecoder {
  decode(file: Uint8Array): Promise<Picture>;
}

/** One inference's inputs. Files are read and checked at once; pictures are decoded by the browser when it is there. */
export interface InputSource {
  readonly name: string;
  /** Pictures are decoded by the browser. */
  readonly needsBrowser: boolean;
  feeds(browser: PictureDecoder): Promise<Feeds>;
}

/**
 * The inputs that the options name.
 *
 * @throws InvalidInputError where they name none or more than one kind, or a file is not what the model takes.
 */
export async function inputSources(model: LoadedModel, options: InputOptions): Promise<InputSource[]> {
  const { image, input, random, extremes } = options;
  const given = [image, input, random, extremes].filter((option) => option !== undefined);
  if (given.length === 0) throw new InvalidInputError('no input was given: say --image or --input');
  if (given.length > 1) throw new InvalidInputError('more than one kind of input was given');
  if (image !== undefined) return [await pictureSource(model, image, options.preprocess)];
  if (input !== undefined) return [fixed(input, await readFeeds(model.graph, input))];
  if (random !== undefined) return [fixed(`random ${random}`, randomFeeds(model.plan, random))];
  return extremeFeeds(model.plan).map(({ name, feeds }) => fixed(name, feeds));
}

export async function pictureSource(
  model: LoadedModel,
  path: string,
  recipeName: string | undefined,
): Promise<InputSource> {
  const recipe = chooseRecipe(model, recipeName);
  const input = pictureInput(model.plan.graph.inputs);
  const file = await readInput(path);
  return {
    name: path,
    needsBrowser: true,
    async feeds(browser) {
      const picture = await browser.decode(file).catch((error: unknown) => {
        throw error instanceof InvalidInputError ? new InvalidInputError(`${path}: ${error.message}`) : error;
      });
      return { [input.name]: preprocess(picture, recipe, input) };
    },
  };
}

export function fixed(name: string, feeds: Feeds): InputSource {
  return { name, needsBrowser: false, feeds: async () => feeds };
}

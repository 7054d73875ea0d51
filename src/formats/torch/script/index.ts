import { strFromU8 } from 'fflate';
import { InvalidModelError, UnsupportedModelError } from '../../../errors.ts';
import { DYNAMIC, type Graph } from '../../../graph/graph.ts';
import type { Archive } from '../checkpoint.ts';
import { describe, PickleGlobal, unpickle, type PickleValue } from '../pickle.ts';
import { TensorReader } from '../tensor_reader.ts';
import { loadStorage, TORCH_GLOBALS, TorchTensor, type TorchStorage } from '../tensors.ts';
import { Draft } from './draft.ts';
import { Interpreter } from './interpreter.ts';
import { parse, type SourceFile } from './syntax.ts';
import { Activation, ScriptObject } from './values.ts';

const listOf = ([list]: readonly PickleValue[]): PickleValue => list ?? null;

/** Lists with a type, which the values show. */
const LISTS: ReadonlyMap<string, PickleGlobal> = new Map(
  ['build_intlist', 'build_tensorlist', 'build_doublelist', 'build_boollist', 'restore_type_tag']
    .map((name) => new PickleGlobal(`torch.jit._pickle.${name}`, listOf))
    .map((global) => [global.name, global]),
);

const GLOBALS = {
  get: (name: string): PickleGlobal | undefined =>
    TORCH_GLOBALS.get(name) ??
    LISTS.get(name) ??
    (name.startsWith('__torch__.') ? new PickleGlobal(name, undefined, () => new ScriptObject(name)) : undefined),
};

/** Has an archive the code of a network? */
export const isScript = (archive: Archive): boolean => archive.find('constants.pkl') !== undefined;

/** The shape of the example that a network was traced with, where the file says so; pictures without. */
function exampleShape(example: PickleValue | undefined): readonly number[] {
  const inputs = example instanceof Map ? example.get('forward') : undefined;
  const [tensor] = Array.isArray(inputs) ? inputs : [];
  return tensor instanceof TorchTensor && tensor.shape.length > 1 ? tensor.shape : [DYNAMIC, DYNAMIC, DYNAMIC, DYNAMIC];
}

/**
 * Reads a quantized network that torch.jit.save wrote, traced or scripted. Its code is read, not run: calls of operators
 * become nodes. Tensors have the names of the modules that return them, as forward hooks have them.
 *
 * @throws InvalidModelError where the file is damaged, UnsupportedModelError, by file, line and name, where the code holds
 *   more than a quantized network needs
 */
export function readScript(archive: Archive): Graph {
  const parts = new Map<TorchStorage, string>();
  const pickled = (part: string): PickleValue => {
    const persistentLoad = (id: PickleValue): TorchStorage => {
      const storage = loadStorage(id);
      parts.set(storage, part);
      return storage;
    };
    return unpickle(archive.entry(`${part}.pkl`), 0, { globals: GLOBALS, persistentLoad }).value;
  };
  const sources = new Map<string, SourceFile | undefined>();
  const source = (file: string): SourceFile | undefined => {
    const bytes = archive.find(file);
    if (!sources.has(file)) sources.set(file, bytes && parse(file, strFromU8(bytes)));
    return sources.get(file);
  };

  const [root, constants] = [pickled('data'), pickled('constants')];
  if (!(root instanceof ScriptObject)) throw new UnsupportedModelError(`the file holds ${describe(root)}, no module`);
  if (!Array.isArray(constants)) throw new InvalidModelError(`the constants are ${describe(constants)}`);
  root.path = '';
  const tensors = new TensorReader(
    (storage) => archive.storage(parts.get(storage)!, storage),
    'supported: the quantized layers of torch.ao.nn.quantized',
  );
  const draft = new Draft();
  const shape = exampleShape(archive.find('traced_inputs.pkl') && pickled('traced_inputs'));
  // what a network does with pictures holds for those of any height and width
  const isOpen = (length: number, axis: number): boolean =>
    axis === 0 || length === DYNAMIC || (shape.length === 4 && axis > 1);
  const input = new Activation(
    shape.map((length, axis) => (isOpen(length, axis) ? undefined : length)),
    undefined,
    'contiguous',
  );
  const result = new Interpreter(source, constants, draft, tensors).method(root, 'forward', [input]);
  const outputs = (Array.isArray(result) ? result : [result]).filter((value) => value !== null);
  if (outputs.length === 0 || !outputs.every((value) => value instanceof Activation))
    throw new UnsupportedModelError(`the network returns ${describe(result)}; supported: tensors that it computes`);
  return draft.finish(root.type.replace(/^.*\./, ''), input, outputs, shape);
}

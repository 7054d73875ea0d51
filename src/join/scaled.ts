import { elementCount, type TensorInfo } from '../graph/graph.ts';
import { isLinear, makesBytes, type Layer, type LayerKind } from '../layers/layer.ts';
import type { Flow } from './flow.ts';
import { coreOf, placeOf, type Found, type Joined, type Scaled } from './joined.ts';

const isOne = (info: TensorInfo): boolean => elementCount(info.shape) === 1;

const computes = (shader: string) => (layer: { readonly function: { readonly shader: string } }) =>
  layer.function.shader === shader;

/** What a dynamically quantized model does with int32 sums in float32, as far as nobody else reads what is in between. */
export function findScaled(one: Joined, flow: Flow): Found | undefined {
  const { core } = one;
  if (one.epilogue || !isLayer(core) || !isLinear(core) || makesBytes(core)) return undefined;
  const chain = [one];
  const then = <K extends LayerKind>(kind: K, is: (layer: Layer<K>) => boolean): Layer<K> | undefined => {
    const reader = flow.onlyReader(chain.at(-1)!);
    const layer = reader && !reader.epilogue ? coreOf(reader, kind) : undefined;
    if (!layer || !is(layer)) return undefined;
    chain.push(reader!);
    return layer;
  };
  /** What a layer reads that is not made by the one before it. */
  const otherOf = ({ reads }: Layer): TensorInfo | undefined => {
    const { name } = placeOf(chain.at(-1)!, flow.memoryOf).writes;
    return reads.find((info) => !flow.same(info.name, name));
  };
  const cast = then('function', computes('from_int32'));
  const scale =
    cast &&
    then(
      'operation',
      (layer) => computes('multiply')(layer) && layer.constants.length === 0 && isOne(otherOf(layer) ?? cast.writes),
    );
  if (!cast || !scale) return undefined;
  const product = scale.reads.find(({ name }) => !flow.same(name, cast.writes.name))!;
  const maker = flow.privateMaker(product.name, chain.at(-1)!);
  const made = maker && !maker.epilogue ? coreOf(maker, 'operation') : undefined;
  const scales = made && computes('multiply')(made) && made.constants.length === 1 && made.reads.every(isOne);
  const bias = then('add_float32', ({ perChannel }) => perChannel);
  const clip = then('function', computes('clip'));
  const epilogue: Scaled = {
    kind: 'scaled',
    ...(scales && { scales: made }),
    cast,
    scale,
    product,
    ...(bias && { bias }),
    ...(clip && { clip }),
  };
  return { joined: { ...one, epilogue }, replaces: [...(scales ? [maker!] : []), ...chain] };
}

const isLayer = (core: Joined['core']): core is Layer => core.kind !== 'block' && core.kind !== 'pooled_pointwise';

/** What is added to such a result, which nobody else reads. */
export function findResidual(one: Joined, flow: Flow): Found | undefined {
  const { epilogue } = one;
  if (epilogue?.kind !== 'scaled' || epilogue.residual || epilogue.range) return undefined;
  const reader = flow.onlyReader(one);
  const add = reader && !reader.epilogue ? coreOf(reader, 'add_float32') : undefined;
  const { name } = placeOf(one, flow.memoryOf).writes;
  const other = add?.reads.find((info) => !flow.same(info.name, name));
  if (!add || !other || add.constant) return undefined;
  return { joined: { ...one, epilogue: { ...epilogue, residual: { add, other } } }, replaces: [one, reader!] };
}

/** The range of such a result, and the scale and the zero point that follow from it. */
export function findRange(one: Joined, flow: Flow): Found | undefined {
  const { epilogue } = one;
  if (epilogue?.kind !== 'scaled' || epilogue.range) return undefined;
  const { name } = placeOf(one, flow.memoryOf).writes;
  const ranging = flow.readers(one).find((reader) => coreOf(reader, 'range')?.reads[0]!.name === name);
  if (!ranging || flow.isOutput(ranging)) return undefined;
  const followers = flow.readers(ranging);
  const parameter = (which: Layer<'range_parameter'>['parameter']): Joined | undefined =>
    followers.find((follower) => coreOf(follower, 'range_parameter')?.parameter === which);
  const [scale, zeroPoint] = [parameter('scale'), parameter('zero_point')];
  if (!scale || !zeroPoint || followers.length > 2 || flow.isOutput(scale) || flow.isOutput(zeroPoint))
    return undefined;
  const range = {
    range: coreOf(ranging, 'range')!,
    scale: coreOf(scale, 'range_parameter')!,
    zeroPoint: coreOf(zeroPoint, 'range_parameter')!,
  };
  return {
    joined: { ...one, epilogue: { ...epilogue, range } },
    replaces: [one, ranging, scale, zeroPoint],
    // what reads the result may stand before its range
    first: true,
  };
}

/**
 * Tensors that lie in planes, the first of each four channels, the second, ...: neighbouring threads have neighbouring words
 * there. They are read by what knows it alone.
 */
export function planesOf(all: readonly Joined[], flow: Flow): Set<string> {
  const planes = new Set<string>();
  for (const one of all) {
    if (one.epilogue?.kind !== 'scaled' || !one.epilogue.range || flow.isOutput(one)) continue;
    const { name } = placeOf(one, flow.memoryOf).writes;
    const knows = ({ core, epilogue }: Joined): boolean =>
      epilogue?.kind === 'scaled'
        ? epilogue.residual?.other.name === name
        : core.kind === 'dynamic_quantize' && core.reads[0]!.name === name;
    if (flow.readers(one).every(knows)) planes.add(name);
  }
  return planes;
}

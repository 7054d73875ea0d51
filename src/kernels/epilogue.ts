import type { Epilogue, FloatSum, Scaled } from '../join/joined.ts';
import type { Layer } from '../layers/layer.ts';
import { groupsOf } from '../layers/layout.ts';
import { provePair } from './add.ts';
import { otherOperand } from './add_float32.ts';
import { floatBits } from './dequantize_linear.ts';
import { byteType, signMask } from './requantization.ts';
import { partOf, type Step, type StepPart } from './step.ts';

/** What a step has of what follows it: everything outside reads what the last layer writes. */
export function ending(
  step: Step,
  layers: readonly Layer[],
  changes: Pick<Step, 'slots' | 'parameters' | 'overrides'>,
): Step {
  const { node, op, writes } = layers.at(-1)!;
  const parts = [...(step.parts ?? [asPart(step)]), ...layers.map((layer) => partOf(layer))];
  return { ...step, ...changes, node, op, output: writes.name, accumulates: false, parts };
}

function asPart({ node, op, output, macs, proof, overflowingChannels, variant }: Step): StepPart {
  return {
    node,
    op,
    output,
    macs,
    ...(proof && { proof }),
    ...(overflowingChannels !== undefined && { overflowingChannels }),
    ...(variant && { variant }),
  };
}

/** The bytes of a step with an 8-bit function of them and another tensor. */
function withPair(step: Step, pair: Layer<'pair'>, place: number): Step {
  const other = pair.reads[place]!;
  const proof = provePair(pair);
  return ending(step, [pair], {
    slots: { ...step.slots, output: 'output/sums', combine: `requantize/${proof.form}` },
    parameters: [{ tensor: other.name }, ...step.parameters, proof.parameters],
    overrides: {
      ...step.overrides,
      OUTPUT_SIGN: signMask(byteType(pair.writes)),
      OTHER_SIGN: signMask(byteType(other)),
      OTHER_FIRST: Number(place === 0),
    },
  });
}

/** The bytes of a step as float32. */
function withDequantize(step: Step, dequantize: Layer<'table'>): Step {
  const { OUTPUT_SIGN: _, ...overrides } = step.overrides;
  return ending(step, [dequantize], {
    slots: { ...step.slots, output: 'output/floats' },
    parameters: [floatBits(dequantize), ...step.parameters],
    overrides,
  });
}

/** A step that ends in float32 with a float32 add, whose other operand is dequantized as it is read where that is joined, too. */
function withSum(step: Step, { add, other, dequantize }: FloatSum): Step {
  const [values, ...parameters] = step.parameters;
  const { operand, groups } = otherOperand(add);
  const bytes = dequantize?.reads[0];
  const source = 'data' in operand ? operand.data : { tensor: bytes ? bytes.name : add.reads[other!]!.name };
  const summed = ending(step, [add], {
    slots: { ...step.slots, output: 'output/float_sums' },
    // a buffer in any case: the shader names it
    parameters: [values!, source, dequantize ? floatBits(dequantize) : new Uint32Array(4), ...parameters],
    overrides: {
      ...step.overrides,
      OTHER_BYTES: Number(bytes !== undefined),
      OTHER_SIGN: bytes ? signMask(byteType(bytes)) : 0,
      OTHER_GROUPS: groups === groupsOf(add.writes) ? 0 : groups,
    },
  });
  return dequantize ? { ...summed, parts: [partOf(dequantize), ...summed.parts!] } : summed;
}

/** A step with what follows it in the same dispatch. */
export function withEpilogue(step: Step, epilogue: Exclude<Epilogue, Scaled>): Step {
  if (epilogue.kind === 'pair') return withPair(step, epilogue.pair, epilogue.other);
  const floats = withDequantize(step, epilogue.dequantize);
  return epilogue.sum ? withSum(floats, epilogue.sum) : floats;
}

import { InvalidInputError } from '../../errors.ts';
import { workgroupGrid, type Step } from '../../ops/step.ts';
import type { Profile } from '../profile.ts';
import type { Fused, FuseOptions } from './fused.ts';
import { joinStages, MOST_STORAGE_BUFFERS, storageBuffers } from './stages.ts';
import { chooseTile, tileBytes, tileGrid, tileMacs, tilePixels, TILES, type BlockShape } from './tiles.ts';
import type { Uses } from './uses.ts';
import { packWeights, type Block } from './weights.ts';
import { useKernel } from '../../kernels/kernel.ts';

const field = (step: Step, name: string): number => step.geometry[name]!;
const tensorOf = (step: Step): string => (step.operands[0] as { tensor: string }).tensor;
const repeatByte = (byte: number): number => (byte * 0x01010101) >>> 0;

const isDilated = ({ geometry }: Step): boolean => geometry['dilation_y'] !== 1 || geometry['dilation_x'] !== 1;

/** One filter a channel, its pairs of products saturated or not. */
const isDepthwise = (step: Step): boolean =>
  (step.kernel === 'depthwise' || (step.kernel === 'conv_pairs' && step.overrides['DEPTHWISE'] === 1)) &&
  !isDilated(step);

/** A convolution whose output channels all see all input channels. */
const isFull = (step: Step): boolean =>
  step.kernel === 'pointwise' ||
  (step.kernel === 'conv' && step.geometry['out_group_words'] === step.geometry['out_groups'] && !isDilated(step));

/** The block around a depthwise layer, as far as what lies between its stages is nobody else's; and the steps it is made of. */
function matchBlock(
  layer: Step,
  uses: Uses,
  { lowerPlain }: FuseOptions,
): { block: Block; replaces: Step[] } | undefined {
  if (layer.variant?.kind !== 'depthwise') return undefined;
  const reader = uses.onlyReader(layer);
  if (reader?.variant?.kind !== 'pointwise') return undefined;
  const [depthwise, project] = [lowerPlain(layer), lowerPlain(reader)];
  if (!isDepthwise(depthwise) || project.kernel !== 'pointwise') return undefined;
  const before = (step: Step): Step | undefined => uses.privateProducer(tensorOf(step), step);
  const producer = before(layer);
  const expand = producer?.variant ? lowerPlain(producer) : undefined;
  const expanding = expand && isFull(expand) ? producer : undefined;
  const source = before(expanding ?? layer);
  const quantize = source?.kernel === 'quantize_linear' ? source : undefined;
  return {
    block: { depthwise, project, ...(expanding && { expand: expand! }), ...(quantize && { quantize }) },
    replaces: [quantize, expanding, layer, reader].filter((step) => step !== undefined),
  };
}

function shapeOf({ expand, depthwise, project }: Block): BlockShape {
  const isPointwise = expand?.kernel === 'pointwise';
  return {
    batch: field(project, 'pixels') / (field(depthwise, 'out_height') * field(depthwise, 'out_width')),
    inGroups: field(expand ?? depthwise, 'in_groups'),
    middleGroups: field(depthwise, 'in_groups'),
    outGroups: field(project, 'out_groups'),
    out: [field(depthwise, 'out_height'), field(depthwise, 'out_width')],
    kernel: [field(depthwise, 'kernel_height'), field(depthwise, 'kernel_width')],
    stride: [field(depthwise, 'stride_y'), field(depthwise, 'stride_x')],
    ...(expand && {
      expand: isPointwise
        ? { kernel: [1, 1], stride: [1, 1] }
        : {
            kernel: [field(expand, 'kernel_height'), field(expand, 'kernel_width')],
            stride: [field(expand, 'stride_y'), field(expand, 'stride_x')],
          },
    }),
  };
}

/** The tile that a profile names for a block, or that it is not to be fused. */
function chosenTile({ blocks }: Profile, { variant }: Step): readonly [number, number] | 'unfused' | undefined {
  const chosen = blocks?.[variant!.geometry];
  if (chosen === undefined || chosen === 'unfused') return chosen;
  const tile = TILES.find((sizes) => sizes.join('x') === chosen);
  if (!tile)
    throw new InvalidInputError(
      `profile: a block's tile '${chosen}'; supported: unfused, ${TILES.map((sizes) => sizes.join('x')).join(', ')}`,
    );
  return tile;
}

/** The block around a depthwise layer as one step; undefined where there is none, or no tile fits into workgroup memory. */
export function fuseBlock(layer: Step, uses: Uses, options: FuseOptions): Fused | undefined {
  const found = matchBlock(layer, uses, options);
  const tile = found && chosenTile(options.profile, found.block.depthwise);
  if (!found || tile === 'unfused') return undefined;
  const step = blockStep(found.block, options.features.workgroupStorage, tile);
  return step && storageBuffers(step) <= MOST_STORAGE_BUFFERS ? { step, replaces: found.replaces } : undefined;
}

/** Bytes of workgroup memory that every device has. */
const EVERY_DEVICE = 16384;

function blockStep(block: Block, workgroupStorage: number, only?: readonly [number, number]): Step | undefined {
  const { quantize, expand, depthwise, project } = block;
  const shape = shapeOf(block);
  const tile = only
    ? chooseTile(shape, workgroupStorage, only)
    : // more memory a workgroup, fewer of them at a time: only where it was measured, or nothing else fits
      (chooseTile(shape, Math.min(workgroupStorage, EVERY_DEVICE)) ?? chooseTile(shape, workgroupStorage));
  if (!tile) return undefined;
  const first = expand ?? depthwise;
  const grid = tileGrid(shape, tile);
  const { data, starts, offsets } = packWeights(block);
  const stages = joinStages(project, {
    ...(expand && { expand }),
    depthwise,
    ...(quantize && { input: quantize }),
  });
  // every workgroup reads all parameters; of tables it reads at most an entry a value, of a size that depends on the values
  const formBytes = stages.parameters.reduce((sum, one) => sum + ('tensor' in one ? 0 : one.byteLength), 0);
  const signed = expand ? field(expand, 'input_flip') : (field(depthwise, 'input_sign') ^ 0x80808080) >>> 0;
  const parts = [quantize, expand, depthwise, project].filter((step) => step !== undefined);
  const expandOverrides = shape.expand && {
    IN_GROUPS: shape.inGroups,
    EXPAND_KERNEL_HEIGHT: shape.expand.kernel[0],
    EXPAND_KERNEL_WIDTH: shape.expand.kernel[1],
    EXPAND_STRIDE_Y: shape.expand.stride[0],
    EXPAND_STRIDE_X: shape.expand.stride[1],
    EXPAND_WEIGHT_ZERO: expand!.overrides['HAS_WEIGHT_ZERO']!,
  };
  return {
    node: project.node,
    op: project.op,
    operands: [{ tensor: tensorOf(quantize ?? first) }, { data }],
    output: project.output,
    parameters: stages.parameters,
    ...useKernel(
      'inverted_residual',
      {
        geometry: {
          in_height: expand?.kernel === 'pointwise' ? field(depthwise, 'in_height') : field(first, 'in_height'),
          in_width: expand?.kernel === 'pointwise' ? field(depthwise, 'in_width') : field(first, 'in_width'),
          middle_height: field(depthwise, 'in_height'),
          middle_width: field(depthwise, 'in_width'),
          out_height: shape.out[0],
          out_width: shape.out[1],
          out_groups: shape.outGroups,
          expand_pad_top: expand?.geometry['pad_top'] ?? 0,
          expand_pad_left: expand?.geometry['pad_left'] ?? 0,
          pad_top: field(depthwise, 'pad_top'),
          pad_left: field(depthwise, 'pad_left'),
          tiles_y: grid.y,
          tiles_x: grid.x,
          tiles: grid.count,
          input_flip: signed,
          input_padding: expand?.geometry['padding'] ?? 0,
          middle_padding: repeatByte(field(depthwise, 'input_zero')),
          ...starts,
        },
        overrides: {
          TILE_HEIGHT: tile.height,
          TILE_WIDTH: tile.width,
          CHUNK: tile.chunk,
          MIDDLE_GROUPS: shape.middleGroups,
          KERNEL_HEIGHT: shape.kernel[0],
          KERNEL_WIDTH: shape.kernel[1],
          STRIDE_Y: shape.stride[0],
          STRIDE_X: shape.stride[1],
          PROJECT_WEIGHT_ZERO: project.overrides['HAS_WEIGHT_ZERO']!,
          DEPTHWISE_OFFSET: Number(offsets),
          SATURATES: Number(depthwise.kernel === 'conv_pairs'),
        },
        slots: {
          first: expand ? 'block/expand' : 'block/unexpanded',
          source: quantize ? 'input/floats' : 'input/bytes',
          depthwise: stages.slots['depthwise']!,
          dot: project.slots['dot']!,
        },
      },
      { ...stages, overrides: { ...stages.overrides, ...expandOverrides } },
    ),
    workgroups: workgroupGrid(grid.count),
    workgroupBytes: tileBytes(shape, tile),
    tiling: {
      macs: grid.count * tileMacs(shape, tile),
      loadedBytes:
        grid.count * (tilePixels(shape, tile)[expand ? 'input' : 'middle'] * shape.inGroups * (quantize ? 16 : 4)) +
        grid.count * (data.byteLength + formBytes),
    },
    macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    accumulates: false,
    ...(project.proof && { proof: project.proof }),
    ...(depthwise.saturatingChannels && { saturatingChannels: depthwise.saturatingChannels }),
    parts,
  };
}

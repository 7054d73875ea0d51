import { InvalidInputError } from '../errors.ts';
import { layersOf, type Block } from '../join/joined.ts';
import { geometryKey } from '../layers/linear/geometry.ts';
import { packBlock } from './block_weights.ts';
import { dotModule, inputFlip } from './dot.ts';
import { codeGeometry } from './geometry.ts';
import { useKernel } from './kernel.ts';
import { dotCorrections, paddingWord, repeatByte } from './packing.ts';
import { KEY_FORMS, outputStage } from './requantization.ts';
import { joinStages } from './stages.ts';
import { partOf, stepOf, workgroupGrid, type Step } from './step.ts';
import type { Target } from './target.ts';
import { chooseTile, tileBytes, tileGrid, tileMacs, tilePixels, TILES, type BlockShape, type Tile } from './tiles.ts';

function shapeOf({ expand, depthwise, project }: Block): BlockShape {
  const { layer, strides, input, output } = depthwise;
  return {
    batch: output.batch,
    inGroups: (expand ?? depthwise).input.groups,
    middleGroups: input.groups,
    outGroups: project.output.groups,
    out: [output.height, output.width],
    kernel: layer.kernel,
    stride: strides,
    ...(expand && { expand: { kernel: expand.layer.kernel, stride: expand.strides } }),
  };
}

/** The tile that a profile names for a block, or that it is not to be one. */
function wantedTile({ depthwise }: Block, { preferences }: Target): readonly [number, number] | 'unfused' | undefined {
  const wanted = preferences.block(geometryKey(depthwise));
  if (wanted === undefined || wanted === 'unfused') return wanted;
  const tile = TILES.find((sizes) => sizes.join('x') === wanted);
  if (!tile)
    throw new InvalidInputError(
      `profile: a block's tile '${wanted}'; supported: unfused, ${TILES.map((sizes) => sizes.join('x')).join(', ')}`,
    );
  return tile;
}

/** Bytes of workgroup memory that every device has. */
const EVERY_DEVICE = 16384;

/** The tile of a block; undefined where none fits into workgroup memory, or a profile leaves the block as it is. */
export function tileOfBlock(block: Block, target: Target): Tile | undefined {
  const { workgroupStorage } = target.features;
  const wanted = wantedTile(block, target);
  if (wanted === 'unfused') return undefined;
  const shape = shapeOf(block);
  if (wanted) return chooseTile(shape, workgroupStorage, wanted);
  // more memory a workgroup, fewer of them at a time: only where it was measured, or nothing else fits
  return chooseTile(shape, Math.min(workgroupStorage, EVERY_DEVICE)) ?? chooseTile(shape, workgroupStorage);
}

/** A block that `tileOfBlock` has a tile for: one tile of its output a workgroup. */
export function lowerBlock(block: Block, target: Target): Step {
  const { quantize, expand, depthwise, project } = block;
  const { preferences } = target;
  const tile = tileOfBlock(block, target)!;
  const shape = shapeOf(block);
  const grid = tileGrid(shape, tile);
  const { data, starts, offsets } = packBlock(block);
  const proved = {
    ...(expand && { expand: outputStage(expand, preferences) }),
    depthwise: outputStage(depthwise, preferences),
    ...(quantize && { input: outputStage(quantize, { ...preferences, forms: KEY_FORMS }) }),
  };
  const last = outputStage(project, preferences);
  const stages = joinStages(last, proved);
  // every workgroup reads all parameters; of tables it reads at most an entry a value, of a size that depends on the values
  const formBytes = stages.parameters.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const first = expand ?? depthwise;
  const window = expand?.kind === 'conv' ? expand : undefined;
  const { height, width } = (window ?? depthwise).input;
  const proofs = [proved.input, proved.expand, proved.depthwise, last].filter((stage) => stage !== undefined);
  const parts = layersOf({ core: block }).map((layer, i) => partOf(layer, proofs[i]!.proof));
  const expanding = expand && {
    IN_GROUPS: shape.inGroups,
    EXPAND_KERNEL_HEIGHT: expand.layer.kernel[0],
    EXPAND_KERNEL_WIDTH: expand.layer.kernel[1],
    EXPAND_STRIDE_Y: expand.strides[0],
    EXPAND_STRIDE_X: expand.strides[1],
    EXPAND_WEIGHT_ZERO: Number(dotCorrections(expand).weightZero),
  };
  return stepOf(project, {
    ...useKernel(
      'inverted_residual',
      {
        geometry: {
          in_height: height,
          in_width: width,
          middle_height: depthwise.input.height,
          middle_width: depthwise.input.width,
          out_height: shape.out[0],
          out_width: shape.out[1],
          out_groups: shape.outGroups,
          expand_pad_top: window?.layer.pads[0] ?? 0,
          expand_pad_left: window?.layer.pads[1] ?? 0,
          pad_top: depthwise.layer.pads[0],
          pad_left: depthwise.layer.pads[1],
          tiles_y: grid.y,
          tiles_x: grid.x,
          tiles: grid.count,
          input_flip: inputFlip(first),
          input_padding: window ? paddingWord(window) : 0,
          middle_padding: repeatByte(codeGeometry(depthwise).input_zero),
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
          PROJECT_WEIGHT_ZERO: Number(dotCorrections(project).weightZero),
          DEPTHWISE_OFFSET: Number(offsets),
          SATURATES: Number(depthwise.accumulation !== 'exact'),
        },
        slots: {
          first: expand ? 'block/expand' : 'block/unexpanded',
          source: quantize ? 'input/floats' : 'input/bytes',
          depthwise: stages.slots['depthwise']!,
          dot: dotModule(target.features),
        },
      },
      { ...stages, overrides: { ...stages.overrides, ...expanding } },
    ),
    operands: [{ tensor: (quantize ?? first).reads[0]!.name }, { data }],
    parameters: stages.parameters,
    workgroups: workgroupGrid(grid.count),
    workgroupBytes: tileBytes(shape, tile),
    tiling: {
      macs: grid.count * tileMacs(shape, tile),
      loadedBytes:
        grid.count * (tilePixels(shape, tile)[expand ? 'input' : 'middle'] * shape.inGroups * (quantize ? 16 : 4)) +
        grid.count * (data.byteLength + formBytes),
    },
    macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    proof: last.proof,
    ...(depthwise.overflowingChannels > 0 && { overflowingChannels: depthwise.overflowingChannels }),
    parts,
  });
}

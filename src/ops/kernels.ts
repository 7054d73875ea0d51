/** A kernel's interface; its text is `shaders/<name>.wgsl`, which tests reflect and compare with this. */
export interface Kernel {
  /** Group 0 before the output, in binding order. */
  readonly operands: readonly string[];
  /** Fields of the uniform struct Geometry (group 2), all u32, in order. */
  readonly geometry: readonly string[];
  /** Threads of a workgroup in x, y, z; absent: WORKGROUP_SIZE in a row. */
  readonly workgroupSize?: readonly [number, number, number];
}

/** Threads a workgroup of kernels that number their threads: shaders/shared/words.wgsl has the same number. */
export const WORKGROUP_SIZE = 64;

const TAPS = [
  'kernel_height',
  'kernel_width',
  'stride_y',
  'stride_x',
  'dilation_y',
  'dilation_x',
  'pad_top',
  'pad_left',
] as const;

const WINDOW = ['in_height', 'in_width', 'in_groups', 'out_height', 'out_width', 'out_groups', ...TAPS] as const;

const POOL = ['in_height', 'in_width', 'out_height', 'out_width', 'channel_groups', ...TAPS, 'groups'] as const;

/** Every kernel: one shader, one line. */
export const KERNELS: Readonly<Record<string, Kernel>> = {
  conv: {
    operands: ['input', 'weights', 'corrections'],
    geometry: [...WINDOW, 'pixels', 'in_group_words', 'out_group_words', 'input_flip', 'padding'],
  },
  pointwise: {
    operands: ['input', 'weights', 'corrections'],
    geometry: ['pixels', 'in_groups', 'out_groups', 'input_flip'],
  },
  pointwise_tiled: {
    operands: ['input', 'weights', 'corrections'],
    geometry: ['pixels', 'in_groups', 'out_groups', 'input_flip'],
  },
  probe: { operands: ['sums'], geometry: ['groups'] },
  lanes: {
    operands: ['input', 'weights', 'corrections'],
    geometry: [...WINDOW, 'pixels', 'rows', 'input_flip', 'padding'],
    workgroupSize: [4, 1, 1],
  },
  lanes_chunked: {
    operands: ['input', 'weights', 'corrections'],
    geometry: [...WINDOW, 'pixels', 'rows', 'input_flip', 'padding', 'chunks'],
    workgroupSize: [4, 1, 1],
  },
  depthwise_rows: {
    operands: ['input', 'weights', 'corrections'],
    geometry: [...WINDOW, 'rows', 'strips', 'input_flip', 'padding'],
    workgroupSize: [4, 1, 1],
  },
  depthwise: {
    operands: ['input', 'weights'],
    geometry: [...WINDOW, 'batch', 'input_sign', 'input_zero'],
  },
  conv_grouped: {
    operands: ['input', 'weights'],
    geometry: [...WINDOW, 'pixels', 'out_channels', 'in_per_group', 'out_per_group', 'input_sign', 'input_zero'],
  },
  conv_pairs: {
    operands: ['input', 'weights', 'corrections'],
    geometry: [...WINDOW, 'pixels', 'in_per_group', 'out_per_group', 'input_zero'],
  },
  add: {
    operands: ['a', 'b'],
    geometry: [
      'groups',
      'a_sign',
      'b_sign',
      'height',
      'width',
      'channel_groups',
      'b_image',
      'b_row',
      'b_column',
      'b_group',
    ],
  },
  add_tail: {
    operands: ['a', 'b', 'tails', 'tail_codes'],
    geometry: ['groups', 'a_sign', 'b_sign', 'channels', 'channel_groups', 'tails'],
  },
  add_float32: { operands: ['a', 'b'], geometry: ['groups', 'other_groups'] },
  global_average_pool: {
    operands: ['input'],
    geometry: ['pixels', 'channel_groups', 'groups', 'input_sign', 'input_zero'],
  },
  inverted_residual: {
    operands: ['input', 'weights'],
    geometry: [
      'in_height',
      'in_width',
      'middle_height',
      'middle_width',
      'out_height',
      'out_width',
      'out_groups',
      'expand_pad_top',
      'expand_pad_left',
      'pad_top',
      'pad_left',
      'tiles_y',
      'tiles_x',
      'tiles',
      'input_flip',
      'input_padding',
      'middle_padding',
      'expand_corrections',
      'depthwise_weights',
      'depthwise_corrections',
      'project_weights',
      'project_corrections',
    ],
    workgroupSize: [128, 1, 1],
  },
  pointwise_pool: {
    operands: ['input', 'weights', 'corrections'],
    geometry: ['images', 'pixels', 'in_groups', 'out_groups', 'input_flip', 'pool_zero'],
  },
  average_pool: { operands: ['input', 'values', 'stage_of_count'], geometry: [...POOL, 'input_sign', 'by_columns'] },
  max_pool: { operands: ['input'], geometry: [...POOL, 'sign'] },
  lookup: { operands: ['input', 'values'], geometry: ['groups', 'input_sign'] },
  move: {
    operands: ['input', 'places'],
    geometry: ['groups', 'out_height', 'out_width', 'channel_groups', 'batch', 'base', 'fill'],
  },
  concat: {
    operands: ['input_0', 'input_1', 'input_2', 'input_3', 'input_4', 'input_5'],
    geometry: [
      'groups',
      'out_height',
      'out_width',
      'channel_groups',
      'axis',
      'size',
      'start_1',
      'start_2',
      'start_3',
      'start_4',
      'start_5',
    ],
  },
  quantize_linear: { operands: ['input'], geometry: ['groups'] },
  dequantize_linear: { operands: ['input', 'values'], geometry: ['groups', 'input_sign'] },
};

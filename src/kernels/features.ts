/** What a device offers that kernels make use of; plain data, so that a plan can be made for any device. */
export interface Features {
  /** dot4I8Packed: the language feature `packed_4x8_integer_dot_product`. */
  readonly packedDot: boolean;
  /** f32 additions and multiplications round to nearest, ties to even: found by asking, since WGSL leaves it open. */
  readonly nearestEven?: boolean;
  /** f32 arithmetic, divisions and square roots too, is IEEE's, subnormals aside: found by asking. */
  readonly float32?: boolean;
  /** Lanes of the smallest and largest subgroup; absent without the feature `subgroups`. */
  readonly subgroups?: { readonly min: number; readonly max: number };
  /** Bytes of workgroup memory a workgroup may use. */
  readonly workgroupStorage: number;
  /** Invocations a workgroup may have. */
  readonly workgroupInvocations: number;
}

/** The packed dot product, and otherwise what every WebGPU device has. */
export const DEFAULT_FEATURES: Features = { packedDot: true, workgroupStorage: 16384, workgroupInvocations: 256 };

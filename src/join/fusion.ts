/**
 * How far steps are joined. 'none': one for each node; 'floats': what dynamically quantized models do with int32 sums, in
 * float32, into the layer before it; 'layers': also adds and dequantizes;
 * 'blocks': also inverted residual blocks, a quantize into the block behind it, a pool into the layer before it.
 */
export type Fusion = 'none' | 'floats' | 'layers' | 'blocks';
export const FUSIONS: readonly Fusion[] = ['none', 'floats', 'layers', 'blocks'];

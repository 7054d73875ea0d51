/**
 * How far steps are joined. 'none': one for each node; 'layers': adds and dequantizes into the layer before them;
 * 'blocks': also inverted residual blocks, a quantize into the block behind it, a pool into the layer before it.
 */
export type Fusion = 'none' | 'layers' | 'blocks';
export const FUSIONS: readonly Fusion[] = ['none', 'layers', 'blocks'];

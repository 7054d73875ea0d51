/** All other shaders. */
export const TEXTS = import.meta.glob<string>(
  [
    '../../../shaders/**/*.wgsl',
    // for processors, pictures
    '!../../../shaders/software/**',
    '!../../../shaders/{picture_*,find_*,shared/float64}.wgsl',
    // the usual ones
    '!../../../shaders/{add,conv,depthwise,dequantize_linear,from_nchw,global_average_pool,lookup,max_pool,probe}.wgsl',
    '!../../../shaders/{inverted_residual,pointwise,pointwise_pool,pointwise_tiled,quantize_linear,to_nchw}.wgsl',
    '!../../../shaders/{block,dot,input,requantize}/*.wgsl',
    '!../../../shaders/output/{accumulators,codes,float_sums,floats,folded,sums}.wgsl',
    '!../../../shaders/shared/{codes,dense,dot_products,float32_add,float32_bits,float_keys,pixel,threads,window}.wgsl',
  ],
  { query: '?raw', import: 'default', eager: true },
);

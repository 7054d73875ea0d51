import type { AddLayer, Engine, PoolLayer, StepFunctions, TensorQuantization } from '../engines/engine.ts';
import type { ByteLinear, Window } from './layer.ts';

interface Definitions {
  readonly linear: { readonly linear: ByteLinear };
  readonly add: { readonly layer: AddLayer };
  /** The operands of a float32 add: a tensor, and another one or a constant, which may have one value a channel. */
  readonly add_float32: { readonly tensor: string; readonly other: string; readonly perChannel: boolean };
  readonly global_average_pool: {
    readonly layer: PoolLayer;
    /** @throws UnsupportedModelError where the engine has none */
    functions(engine: Engine, layer: PoolLayer): StepFunctions;
  };
  /** The largest of a window; what lies outside of the input takes no part. */
  readonly max_pool: { readonly window: Window };
  readonly quantize: { readonly output: TensorQuantization };
  readonly dequantize: { readonly input: TensorQuantization };
  /** A softmax of 8 bits over the channels. */
  readonly softmax: { readonly output: TensorQuantization };
  /** A function of one 8-bit tensor, element by element. */
  readonly bytes: object;
  /** The same values in the same order (NCHW), in another shape. */
  readonly reshape: object;
}

/**
 * What an operator computes in the terms in which engines are asked, for those who describe its layers or explain their
 * values. The kind stands for the operator, whose name nobody asks for.
 */
export type Definition<K extends keyof Definitions = keyof Definitions> = {
  [P in K]: { readonly kind: P } & Definitions[P];
}[K];

/** What is to be done with each kind of definition, or with some of them. */
export type ForDefinitions<A extends readonly unknown[], R> = {
  readonly [K in Definition['kind']]?: (definition: Definition<K>, ...rest: A) => R;
};

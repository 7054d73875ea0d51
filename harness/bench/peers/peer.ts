import type { Tensor } from '../../../src/tensor.ts';

/** A picture in both orders, so that no engine's time has the reordering in it. */
export interface PeerInput {
  /** [N, C, H, W] */
  readonly dims: readonly number[];
  readonly nchw: Tensor;
  /** float32, the only type that is asked for in this order. */
  readonly nhwc: Float32Array;
}

/** The bytes of a model in the form that an engine takes, by name. */
export type PeerModel = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** An engine that is measured: exact8 or another. */
export interface Peer {
  /** Brings its code and its runtime up: scripts, WebAssembly, a device. No model is touched. */
  start(): Promise<void>;
  /** From bytes in memory to a model that can run. */
  load(model: PeerModel, input: PeerInput): Promise<LoadedPeer>;
}

export interface LoadedPeer {
  /** One inference: from pixels in memory to logits in memory. */
  run(): Promise<Float32Array>;
  /** Several inferences, each begun as early as the engine lets it; all logits in memory at the end. */
  stream(inferences: number): Promise<void>;
  release(): Promise<void>;
}

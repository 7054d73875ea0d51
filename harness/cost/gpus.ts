/** What a device can do, for predictions. */
export interface Device {
  readonly name: string;
  /** 10^12 multiply-adds of 8-bit values a second. */
  readonly tmacs: number;
  /** 10^9 bytes a second of memory. */
  readonly gbytes: number;
  /** Processors that each run workgroups of their own: with fewer workgroups, some of them idle. */
  readonly processors: number;
  /** Microseconds of one dispatch, beside its work. */
  readonly dispatchUs: number;
  /** Where the figures are from. */
  readonly source: string;
}

/** Maczan, "Characterizing WebGPU Dispatch Overhead for LLM Inference", arXiv:2604.02344: 24 to 36 on Vulkan, 32 to 71 on Metal. */
const DISPATCH = { vulkan: 24, metal: 32, source: 'dispatch: arXiv:2604.02344, the lower figure' };

/**
 * Published figures. A packed dot product (4 multiply-adds) is taken to issue as often as a 32-bit integer
 * multiply-add; on NVIDIA's that is 64 a clock and processor, half as often as a float32 one.
 */
export const GPUS: readonly Device[] = [
  {
    name: 'h100',
    tmacs: 67,
    gbytes: 3350,
    processors: 132,
    dispatchUs: DISPATCH.vulkan,
    source: `NVIDIA H100 data sheet, SXM5: 67 TFLOPS float32, 3.35 TB/s, 132 multiprocessors; ${DISPATCH.source}`,
  },
  {
    name: 'rtx-4090',
    tmacs: 82.6,
    gbytes: 1008,
    processors: 128,
    dispatchUs: DISPATCH.vulkan,
    source: `NVIDIA Ada architecture whitepaper: 82.6 TFLOPS float32, 1,008 GB/s, 128 multiprocessors; ${DISPATCH.source}`,
  },
  {
    name: 'iris-xe',
    tmacs: 4.3,
    gbytes: 68.3,
    processors: 6,
    dispatchUs: DISPATCH.vulkan,
    source: `Intel Iris Xe, 96 EUs of 8 lanes at 1.4 GHz, DP4A; LPDDR4x-4266, 128 bits; ${DISPATCH.source}`,
  },
  {
    name: 'm1',
    tmacs: 1.3,
    gbytes: 68.3,
    processors: 8,
    dispatchUs: DISPATCH.metal,
    source: `Apple M1, 8 cores: 2.6 TFLOPS float32, no packed dot product; LPDDR4x-4266, 128 bits; ${DISPATCH.source}`,
  },
];

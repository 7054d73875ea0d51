/** The processors that engines tell apart. */
export const PROCESSORS = {
  'x64-avx512-vnni':
    'x86-64 with AVX-512 VNNI: Intel servers since Cascade Lake (2019), Ice, Tiger and Rocket Lake; AMD since Zen 4 (2022: most Ryzen 7000)',
  'x64-avx-vnni': 'x86-64 with AVX-VNNI alone: Intel for desktops and laptops since the 12th generation (2021)',
  'x64-avx512': 'x86-64 with AVX-512 but without VNNI: Intel servers and workstations of 2017 and 2018 (Skylake)',
  x64: 'x86-64 without either: AMD until Zen 3 (Ryzen up to 5000), Intel for desktops and laptops until Comet Lake (10th generation)',
  'arm64-dot': 'ARM with the dot product: Apple silicon, Graviton since 2, phones since about 2018',
  arm64: 'ARM without the dot product: Cortex-A72, A53 (Raspberry Pi 3 and 4, Graviton 1)',
} as const;
export type Processor = keyof typeof PROCESSORS;

/** What runs a model on a processor, as its users choose it. */
export const RUNTIMES = {
  'onnxruntime-web': 'onnxruntime-web (wasm), in any browser and in Node',
  onnxruntime: 'onnxruntime on the CPU, from Python, C++, C#, Java, Node',
  'pytorch-x86': "PyTorch since 2.0, as it comes (engine 'x86')",
  'pytorch-fbgemm': "PyTorch with engine 'fbgemm' (as it came until 1.13)",
  'pytorch-onednn': "PyTorch with engine 'onednn'",
  'pytorch-qnnpack': "PyTorch with engine 'qnnpack' (torchvision's MobileNetV2)",
  'litert-xnnpack': 'TensorFlow Lite (LiteRT) as it comes, by XNNPACK',
  'tfjs-tflite': 'TensorFlow Lite in any browser: tfjs-tflite (wasm)',
  'litert-builtin': 'TensorFlow Lite without XNNPACK: its optimized kernels',
  'litert-reference': "TensorFlow Lite's reference kernels, and those of TensorFlow Lite for Microcontrollers",
  'litert-single': 'TensorFlow Lite built with TFLITE_SINGLE_ROUNDING',
  gemmlowp: 'gemmlowp as a library',
} as const;
export type Runtime = keyof typeof RUNTIMES;

/** x86-64 of every kind. */
export const EVERY_X64: readonly Processor[] = ['x64-avx512-vnni', 'x64-avx-vnni', 'x64-avx512', 'x64'];

/** A runtime, and the processors on which it is this engine. */
export interface Origin {
  readonly runtime: Runtime;
  readonly processors: readonly Processor[];
}

export const EVERY_PROCESSOR = Object.keys(PROCESSORS) as readonly Processor[];

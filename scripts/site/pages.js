// What the site has, in the order of its navigation: groups of pages, each of a document of the repository.
export const GROUPS = [
  [
    'Start',
    [
      ['index', 'README.md', 'exact8'],
      ['start/accelerator', 'docs/start/accelerator.md', 'For accelerator builders'],
      ['start/web', 'docs/start/web.md', 'For web developers'],
      ['start/tests', 'docs/start/tests.md', 'For test authors'],
      ['start/kernels', 'docs/start/kernels.md', 'For kernel authors'],
    ],
  ],
  [
    'Understand',
    [
      ['why', 'docs/why.md', 'Why almost is not enough'],
      ['proof', 'docs/proof.md', 'How the proof works'],
      ['first-day', 'docs/first-day.md', 'Your first day'],
      ['engines', 'docs/engines.md', 'Engines'],
    ],
  ],
  [
    'Use',
    [
      ['library', 'docs/library.md', 'The library'],
      ['api', undefined, 'The API'],
      ['command', 'docs/command.md', 'The command'],
      ['explain', 'docs/explain.md', 'Why values differ'],
      ['vectors', 'docs/vectors.md', 'Vectors for a test bench'],
      ['onnx', 'docs/onnx.md', 'ONNX'],
      ['models', 'docs/models.md', 'Models that run'],
      ['pytorch', 'docs/pytorch.md', 'PyTorch'],
      ['tflite', 'docs/tflite.md', 'TensorFlow Lite'],
      ['networks', 'docs/networks.md', 'Networks'],
      ['webgpu', 'docs/webgpu.md', 'Which WebGPU?'],
    ],
  ],
  [
    'Speed',
    [
      ['performance', 'docs/performance.md', 'Fast kernels'],
      ['performance-fusion', 'docs/performance-fusion.md', 'Joined layers'],
      ['bench', 'docs/bench.md', 'Measure it'],
    ],
  ],
  [
    'More',
    [
      ['architecture', 'ARCHITECTURE.md', 'Architecture'],
      ['results/exactness', 'docs/results/exactness.md', 'What was compared'],
      ['results/speed', 'docs/results/speed.md', 'How fast it is'],
      ['models', 'models/README.md', 'The models'],
      ['changelog', 'CHANGELOG.md', 'Changelog'],
    ],
  ],
];

/** Every page: its address without an ending, its document, its title. */
export const PAGES = GROUPS.flatMap(([, pages]) => pages.map(([path, source, title]) => ({ path, source, title })));

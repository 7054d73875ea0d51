import type { Manifest, ManifestLayer } from './manifest.ts';

/** README.md of a folder of vectors: for the engineer who finds it. */
export function readme(manifest: Manifest): string {
  const { model, modelHash, input, inputHash, engine, conventions, formats, orders, layers, generator } = manifest;
  const formulas = new Map<string, string>();
  for (const { kind, formulas: lines } of layers) if (!formulas.has(kind)) formulas.set(kind, list(lines));
  return `# Test vectors: ${model}

One inference, layer by layer: inputs, weights, biases, requantization and outputs, to compare an implementation with,
bit for bit. Written by ${generator}.

- Model: \`${model}\`, SHA-256 ${modelHash}
- Input: \`${input}\`, SHA-256 of its elements ${inputHash}
- Engine whose bits these are: \`${engine.name}\` (${engine.description})

\`manifest.json\` says all of this, and for each layer and file more, to programs: shapes, layouts, widths, strides,
padding, formulas, ranges of accumulators, SHA-256.

## Files

- \`tensors/<tensor>[.<layout>].<format>\`: every activation, once: a layer's output is the next one's input.
- \`layers/<layer>/<array>[.<layout>].<format>\`: what belongs to a layer alone. A layer has the name of the tensor that it
  computes.
- \`layers/<layer>/channels.<format>\`, of hex, coe and mif: all that requantizes a channel in one word; its fields are
  under \`channelWords\` in the manifest.
${'hex' in formats ? '- `layers/<layer>/parameters.vh`: a convolution, add, pool or quantize for Verilog and SystemVerilog: sizes, widths, numbers and file names as `localparam`s.\n' : ''}${
    'bin' in formats && orders.includes('nchw') ? '- `network.h`: the table of all layers for C programs.\n' : ''
  }
${Object.entries(formats)
  .map(([name, description]) => `- ${name}: ${description}`)
  .join('\n')}

## Conventions

${Object.entries(conventions)
  .map(([name, text]) => `- ${name}: ${text}`)
  .join('\n')}

## Formulas

${[...formulas].map(([kind, text]) => `### ${kind}\n\n${text}\n`).join('\n')}
What differs from layer to layer (saturation, corrections) is under \`formulas\` of each layer in the manifest.

## Arrays of a layer that accumulates

| array | what |
| --- | --- |
| \`weights\`, \`weight_zero_point\`, \`weight_scale\` | as in the model; one zero point and one scale an output channel |
| \`bias\` | the integer that is added to the accumulator; \`bias_float\` is the model's own, where that is float32, and what \`bias\` leaves of it is in \`offset\` |
| \`scale\` | accumulator to output as a float32, for orientation: nothing is computed with it |
| \`multiplier\`, \`offset\`, \`shift\` | the line; zero point and rounding are in \`offset\` |
| \`exact\` | 1: the line equals the engine at every accumulator that the channel can reach; 0: see \`formulas\` |
| \`boundaries\` | only where a channel has no exact line: 255 a channel, entry j is the smallest accumulator of code j + 1 |
| \`accumulator_min\`, \`accumulator_max\` | the accumulators that a channel can reach, with any input, partial sums included |
| \`accumulators\` | of this inference, where they were asked for; **the bias is not included** |

## Layers

| layer | kind | output | accumulator bits (with bias) | multiplier bits | exact lines |
| --- | --- | --- | --: | --: | --: |
${layers.map((layer) => `| ${row(manifest, layer).join(' | ')} |`).join('\n')}
`;
}

const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

function row({ tensors }: Manifest, { name, kind, accumulation, requantization, arrays }: ManifestLayer): string[] {
  const { type, shape } = tensors.find((tensor) => tensor.name === name)!;
  return [
    `\`${name}\``,
    kind,
    `${type} ${shape.join(' x ')}`,
    accumulation ? `${accumulation.bits} (${accumulation.bitsWithBias})` : '',
    arrays['multiplier'] ? String(arrays['multiplier'].bits) : '',
    requantization ? `${requantization.exactChannels} of ${requantization.channels}` : '',
  ];
}

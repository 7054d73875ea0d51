import type { Activation } from './script/values.ts';
import type { PickleValue } from './pickle.ts';
import type { Network } from './network.ts';

/** One of torchvision's quantized networks: what its state_dict leaves out. Any width and number of classes. */
interface Architecture {
  readonly name: string;
  /** A key that no other after it has. */
  readonly key: string;
  /** Height and width of the pictures that it was trained with. */
  readonly size: number;
  build(network: Network): Activation;
}

const maxPool = (
  net: Network,
  x: Activation,
  name: string,
  [kernel, stride, pad, ceil]: readonly [number, number, number, boolean],
): Activation => net.op('torch.max_pool2d', [x, [kernel, kernel], [stride, stride], [pad, pad], [1, 1], ceil], name);

const averagePool = (net: Network, x: Activation, name = ''): Activation =>
  net.op('torch.adaptive_avg_pool2d', [x, [1, 1]], name);

const flatten = (net: Network, x: Activation, name = ''): Activation => net.op('torch.flatten', [x, 1, -1], name);

/** Convolutions with ReLU, one behind the other: '/2' after a name is a stride of 2 without padding. */
const chain = (net: Network, x: Activation, names: readonly string[]): Activation =>
  names.reduce((y, one) => {
    const [name, stride] = one.split('/') as [string, string?];
    return net.conv(`${name}.conv`, y, { relu: true, ...(stride !== undefined && { stride: 2, valid: true }) });
  }, x);

/** Strides of features.0 and so on: no option changes them. */
const MOBILENET_V2 = [2, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1];
const MOBILENET_V3 = [2, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1];

/** Added to the input where the shapes are the same; every block has the module in its state_dict, used or not. */
function skipAdd(net: Network, name: string, input: Activation, x: Activation, stride: number): Activation {
  net.dict.activation(name);
  return stride === 1 && input.dims[1] === x.dims[1] ? net.quantized('add', [input, x], name) : x;
}

const mobilenetV2: Architecture = {
  name: 'mobilenet_v2',
  // of the third version, too, which is asked for first
  key: 'features.0.0.weight',
  size: 224,
  build(net) {
    const last = MOBILENET_V2.length - 1;
    let x = net.conv('features.0.0', net.input('features.0.0'), { kernel: 3, stride: MOBILENET_V2[0]!, relu: true });
    for (let i = 1; i < last; i++) {
      const [input, name, stride] = [x, `features.${i}`, MOBILENET_V2[i]!];
      const expands = net.dict.has(`${name}.conv.2.weight`);
      const [depthwise, project] = expands ? ['conv.1.0', 'conv.2'] : ['conv.0.0', 'conv.1'];
      if (expands) x = net.conv(`${name}.conv.0.0`, x, { kernel: 1, relu: true });
      x = net.conv(`${name}.${depthwise}`, x, { kernel: 3, stride, perGroup: 1, relu: true });
      x = net.conv(`${name}.${project}`, x, { kernel: 1 });
      x = skipAdd(net, `${name}.skip_add`, input, x, stride);
    }
    x = net.conv(`features.${last}.0`, x, { kernel: 1, relu: true });
    return net.linear('classifier.1', flatten(net, averagePool(net, x, 'adaptive_avg_pool2d'), 'avgpool'));
  },
};

/** With ReLU, which is fused, or with hardswish, which has a quantization of its own. */
function activated(net: Network, name: string, x: Activation, options: Parameters<Network['conv']>[2]): Activation {
  const swishes = net.dict.has(`${name}.2.scale`);
  const y = net.conv(`${name}.0`, x, { ...options, relu: !swishes });
  return swishes ? net.quantized('hardswish', [y], `${name}.2`) : y;
}

function squeezeAndExcite(net: Network, name: string, x: Activation): Activation {
  const squeezed = net.conv(`${name}.fc1`, averagePool(net, x, `${name}.avgpool`), { relu: true });
  const gate = net.op('torch.hardsigmoid', [net.conv(`${name}.fc2`, squeezed)], `${name}.scale_activation`);
  return net.quantized('mul', [gate, x], `${name}.skip_mul`);
}

const mobilenetV3: Architecture = {
  name: 'mobilenet_v3_large',
  key: 'features.1.block.0.0.weight',
  size: 224,
  build(net) {
    const last = MOBILENET_V3.length - 1;
    let x = activated(net, 'features.0', net.input('features.0.0'), { stride: MOBILENET_V3[0]! });
    for (let i = 1; i < last; i++) {
      const [input, name, stride] = [x, `features.${i}`, MOBILENET_V3[i]!];
      const block = (part: number): string => `${name}.block.${part}`;
      // the first of two convolutions, or the second of three, is the depthwise one
      const excites = (part: number): boolean => net.dict.has(`${block(part)}.fc1.weight`);
      const expands = excites(2) || net.dict.has(`${block(2)}.0.weight`);
      let part = 0;
      if (expands) x = activated(net, block(part++), x, {});
      x = activated(net, block(part++), x, { stride, perGroup: 1 });
      if (excites(part)) x = squeezeAndExcite(net, block(part++), x);
      x = net.conv(`${block(part)}.0`, x);
      x = skipAdd(net, `${name}.skip_add`, input, x, stride);
    }
    x = flatten(net, averagePool(net, activated(net, `features.${last}`, x, {}), 'avgpool'));
    const hidden = net.quantized('hardswish', [net.linear('classifier.0', x)], 'classifier.1');
    return net.linear('classifier.3', hidden);
  },
};

/** ResNet and ResNeXt, of any depth: blocks of two convolutions or of three. */
const resnet: Architecture = {
  name: 'resnet',
  key: 'layer1.0.conv1.weight',
  size: 224,
  build(net) {
    let x = net.conv('conv1', net.input('conv1'), { stride: 2, relu: true });
    x = maxPool(net, x, 'maxpool', [3, 2, 1, false]);
    for (let stage = 1; stage <= 4; stage++)
      for (let i = 0; net.dict.has(`layer${stage}.${i}.conv1.weight`); i++) {
        const name = `layer${stage}.${i}`;
        const stride = stage > 1 && i === 0 ? 2 : 1;
        const isBottleneck = net.dict.has(`${name}.conv3.weight`);
        let y = net.conv(`${name}.conv1`, x, { relu: true, stride: isBottleneck ? 1 : stride });
        y = isBottleneck
          ? net.conv(`${name}.conv2`, y, { relu: true, stride, perGroup: null })
          : net.conv(`${name}.conv2`, y);
        if (isBottleneck) y = net.conv(`${name}.conv3`, y);
        const isReshaped = net.dict.has(`${name}.downsample.0.weight`);
        const identity = isReshaped ? net.conv(`${name}.downsample.0`, x, { stride }) : x;
        x = net.quantized('add_relu', [y, identity], `${name}.${isBottleneck ? 'skip_add_relu' : 'add_relu'}`);
      }
    return net.linear('fc', flatten(net, averagePool(net, x, 'avgpool')));
  },
};

function concatenated(net: Network, parts: readonly Activation[], name: string): Activation {
  const { scale, zeroPoint } = net.dict.activation(name);
  return net.op('ops.quantized.cat', [[...parts], 1, scale[0]!, zeroPoint[0]!], name);
}

/** Channels of two halves take turns. */
function shuffled(net: Network, x: Activation, name: string): Activation {
  const [n, c, h, w] = net.call('torch.size', [x]) as [PickleValue, number, PickleValue, PickleValue];
  const groups = net.op('torch.view', [x, [n, 2, c / 2, h, w]], `${name}.`);
  const turned = net.op('torch.transpose', [groups, 1, 2], `${name}.`);
  return net.op('torch.view', [net.op('torch.contiguous', [turned], `${name}.`), [n, c, h, w]], name);
}

const shufflenet: Architecture = {
  name: 'shufflenet_v2',
  key: 'stage2.0.branch2.0.weight',
  size: 224,
  build(net) {
    let x = net.conv('conv1.0', net.input('conv1.0'), { stride: 2, relu: true });
    x = maxPool(net, x, 'maxpool', [3, 2, 1, false]);
    for (let stage = 2; stage <= 4; stage++)
      for (let i = 0; net.dict.has(`stage${stage}.${i}.branch2.0.weight`); i++) {
        const name = `stage${stage}.${i}`;
        const stride = i === 0 ? 2 : 1;
        const end = (y: Activation, branch: string, depthwise: number): Activation =>
          net.conv(
            `${name}.${branch}.${depthwise + 2}`,
            net.conv(`${name}.${branch}.${depthwise}`, y, { stride, perGroup: 1 }),
            { relu: true },
          );
        const second = (y: Activation): Activation =>
          end(net.conv(`${name}.branch2.0`, y, { relu: true }), 'branch2', 3);
        const [a, b] =
          i === 0
            ? [end(x, 'branch1', 0), second(x)]
            : (net.call('torch.chunk', [x, 2, 1], `${name}.`) as [Activation, Activation]);
        const halves = i === 0 ? [a, b] : [a, second(b)];
        x = shuffled(net, concatenated(net, halves, `${name}.cat`), name);
      }
    x = net.op('torch.mean', [net.conv('conv5.0', x, { relu: true }), [2, 3]]);
    return net.linear('fc', x);
  },
};

const googlenet: Architecture = {
  name: 'googlenet',
  key: 'inception3a.branch1.conv.weight',
  size: 224,
  build(net) {
    let x = net.conv('conv1.conv', net.input('conv1.conv'), { stride: 2, relu: true });
    x = maxPool(net, x, 'maxpool1', [3, 2, 0, true]);
    x = maxPool(net, chain(net, x, ['conv2', 'conv3']), 'maxpool2', [3, 2, 0, true]);
    for (const block of ['3a', '3b', '4a', '4b', '4c', '4d', '4e', '5a', '5b']) {
      if (block === '4a') x = maxPool(net, x, 'maxpool3', [3, 2, 0, true]);
      if (block === '5a') x = maxPool(net, x, 'maxpool4', [2, 2, 0, true]);
      const name = `inception${block}`;
      const branch = (y: Activation, ...names: string[]): Activation =>
        chain(
          net,
          y,
          names.map((one) => `${name}.branch${one}`),
        );
      const parts = [branch(x, '1'), branch(x, '2.0', '2.1'), branch(x, '3.0', '3.1')];
      const pooled = maxPool(net, x, `${name}.branch4.0`, [3, 1, 1, true]);
      x = concatenated(net, [...parts, branch(pooled, '4.1')], `${name}.cat`);
    }
    return net.linear('fc', flatten(net, averagePool(net, x, 'avgpool'), 'dropout'));
  },
};

/** Branches of InceptionV3's blocks; a list within one is of convolutions side by side, whose outputs are joined. */
type Branch = readonly (string | readonly string[])[];
const BLOCK_A: readonly Branch[] = [
  ['branch1x1'],
  ['branch5x5_1', 'branch5x5_2'],
  ['branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3'],
  ['average', 'branch_pool'],
];
const BLOCK_B: readonly Branch[] = [
  ['branch3x3/2'],
  ['branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3/2'],
  ['largest'],
];
const BLOCK_C: readonly Branch[] = [
  ['branch1x1'],
  ['branch7x7_1', 'branch7x7_2', 'branch7x7_3'],
  ['branch7x7dbl_1', 'branch7x7dbl_2', 'branch7x7dbl_3', 'branch7x7dbl_4', 'branch7x7dbl_5'],
  ['average', 'branch_pool'],
];
const BLOCK_D: readonly Branch[] = [
  ['branch3x3_1', 'branch3x3_2/2'],
  ['branch7x7x3_1', 'branch7x7x3_2', 'branch7x7x3_3', 'branch7x7x3_4/2'],
  ['largest'],
];
const BLOCK_E: readonly Branch[] = [
  ['branch1x1'],
  ['branch3x3_1', ['myop1', 'branch3x3_2a', 'branch3x3_2b']],
  ['branch3x3dbl_1', 'branch3x3dbl_2', ['myop2', 'branch3x3dbl_3a', 'branch3x3dbl_3b']],
  ['average', 'branch_pool'],
];
const INCEPTION: readonly (readonly [name: string, branches: readonly Branch[], join: string])[] = [
  ['5b', BLOCK_A, 'myop'],
  ['5c', BLOCK_A, 'myop'],
  ['5d', BLOCK_A, 'myop'],
  ['6a', BLOCK_B, 'myop'],
  ['6b', BLOCK_C, 'myop'],
  ['6c', BLOCK_C, 'myop'],
  ['6d', BLOCK_C, 'myop'],
  ['6e', BLOCK_C, 'myop'],
  ['7a', BLOCK_D, 'myop'],
  ['7b', BLOCK_E, 'myop3'],
  ['7c', BLOCK_E, 'myop3'],
];

const inception: Architecture = {
  name: 'inception_v3',
  key: 'Mixed_5b.branch1x1.conv.weight',
  size: 299,
  build(net) {
    const first = 'Conv2d_1a_3x3';
    let x = chain(net, net.input(`${first}.conv`), [`${first}/2`]);
    x = net.conv('Conv2d_2a_3x3.conv', x, { relu: true, valid: true });
    x = maxPool(net, chain(net, x, ['Conv2d_2b_3x3']), 'maxpool1', [3, 2, 0, false]);
    x = net.conv('Conv2d_4a_3x3.conv', chain(net, x, ['Conv2d_3b_1x1']), { relu: true, valid: true });
    x = maxPool(net, x, 'maxpool2', [3, 2, 0, false]);
    for (const [block, branches, join] of INCEPTION) {
      const name = `Mixed_${block}`;
      const step = (y: Activation, one: Branch[number]): Activation => {
        if (one === 'average') return net.op('torch.avg_pool2d', [y, [3, 3], [1, 1], [1, 1], false, true], `${name}.`);
        if (one === 'largest') return maxPool(net, y, `${name}.`, [3, 2, 0, false]);
        if (typeof one === 'string') return chain(net, y, [`${name}.${one}`]);
        const [op, ...beside] = one;
        return concatenated(
          net,
          beside.map((each) => step(y, each)),
          `${name}.${op}`,
        );
      };
      const input = x;
      x = concatenated(
        net,
        branches.map((branch) => branch.reduce(step, input)),
        `${name}.${join}`,
      );
    }
    return net.linear('fc', flatten(net, averagePool(net, x, 'avgpool')));
  },
};

export const ARCHITECTURES: readonly Architecture[] = [
  mobilenetV3,
  mobilenetV2,
  resnet,
  shufflenet,
  googlenet,
  inception,
];

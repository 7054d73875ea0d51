import { describe, expect, it } from 'vitest';
import { generateCase } from '../../harness/cases/generate.ts';
import { UnsupportedModelError } from '../errors.ts';
import { linkShader } from '../gpu/shaders.ts';
import { loadAllTexts } from '../gpu/texts/index.ts';
import { DEFAULT_FEATURES } from './features.ts';
import { LINEAR_KERNELS } from './choose.ts';
import { createPlan, variantsFor, type Plan } from '../plan/plan.ts';
import { adapterFamily, DEFAULT_PROFILES, type Profile } from '../plan/profile.ts';
import { FORMS } from '../requantize/prove.ts';

await loadAllTexts();

const ENGINES = ['onnxruntime', 'qnnpack', 'fbgemm-avx2'];
const plans: Plan[] = ENGINES.flatMap((engine) =>
  Array.from({ length: 60 }, (_, index) => createPlan(generateCase(engine, 3, index).graph)),
);
const layers = plans.filter((plan) => plan.steps[0]!.variant);

describe('kernel variants', () => {
  it('have names of their own, and every layer has at least one that may compute it', () => {
    const names = LINEAR_KERNELS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const plan of layers) {
      const options = variantsFor(plan, plan.steps[0]!.node);
      expect(options.some(({ admitted }) => admitted === true)).toBe(true);
      for (const { admitted } of options) if (admitted !== true) expect(admitted).not.toBe('');
    }
    expect(layers.length).toBeGreaterThan(100);
  });

  it('compute a node where a profile forces them to, and are refused by name where they cannot', () => {
    let refusals = 0;
    for (const plan of layers) {
      const { node } = plan.steps[0]!;
      for (const { variant, admitted } of variantsFor(plan, node)) {
        const profile: Profile = { ...plan.profile, nodes: { [node]: { variant } } };
        const force = () => createPlan(plan.graph, { engine: plan.engine, profile });
        if (admitted === true) expect(force().steps[0]!.variant!.variant).toBe(variant);
        else {
          expect(force).toThrow(UnsupportedModelError);
          expect(force).toThrow(`variant '${variant}' is asked for: ${admitted}`);
          refusals++;
        }
      }
    }
    expect(refusals).toBeGreaterThan(10);
  });

  it('that are not known, or not in this tile, are refused', () => {
    const plan = layers[0]!;
    const { node } = plan.steps[0]!;
    const force = (choice: { variant: string; tile?: number }) => () =>
      createPlan(plan.graph, { profile: { ...plan.profile, nodes: { [node]: choice } } });
    expect(force({ variant: 'magic' })).toThrow(/'magic' is asked for: there is no such variant/);
    const { variant } = plan.steps[0]!.variant!;
    expect(force({ variant, tile: 12345 })).toThrow(/it has no tile 12345/);
  });

  it('a layer that saturates pairs has one that saturates them, and no other', () => {
    const saturating = layers.filter((plan) => plan.steps[0]!.overflowingChannels);
    for (const plan of saturating) {
      const admitted = variantsFor(plan, plan.steps[0]!.node).filter((option) => option.admitted === true);
      expect(admitted.map(({ variant }) => variant)).toEqual(['conv_pairs']);
    }
    expect(saturating.length).toBeGreaterThan(10);
  });
});

it('every step of every case fills what its kernel leaves open, and nothing else', () => {
  for (const engine of ENGINES)
    for (let index = 0; index < 60; index++)
      for (const form of FORMS) {
        const profile = { ...DEFAULT_PROFILES.software, forms: [form.name] };
        const features = { ...DEFAULT_FEATURES, subgroups: { min: 4, max: 4 } };
        const { steps } = createPlan(generateCase(engine, 4, index).graph, { profile, features });
        for (const step of steps) expect(() => linkShader(step)).not.toThrow();
      }
});

describe('profiles', () => {
  it('are JSON, and name variants that exist', () => {
    for (const profile of Object.values(DEFAULT_PROFILES)) {
      expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
      for (const choice of Object.values(profile.kinds).flat())
        expect(LINEAR_KERNELS.map(({ name }) => name)).toContain(choice.variant);
    }
  });

  it('what was tuned for a geometry is taken; what cannot compute a layer is passed over', () => {
    const plan = layers.find((p) => p.steps[0]!.variant!.kind === 'pointwise' && !p.steps[0]!.overflowingChannels)!;
    const { geometry } = plan.steps[0]!.variant!;
    const withChoice = (variant: string) =>
      createPlan(plan.graph, { profile: { ...plan.profile, layers: { [geometry]: { variant } } } }).steps[0]!.variant!
        .variant;
    expect(withChoice('conv')).toBe('conv');
    expect(withChoice('conv_pairs')).toBe(plan.steps[0]!.variant!.variant);
  });

  it('know software adapters by their names', () => {
    const info = { vendor: '', architecture: '', device: '', description: '' };
    expect(adapterFamily({ ...info, vendor: 'google', architecture: 'swiftshader' })).toBe('software');
    expect(adapterFamily({ ...info, description: 'llvmpipe (LLVM 15.0.6, 256 bits)' })).toBe('software');
    expect(adapterFamily({ ...info, vendor: 'nvidia', architecture: 'hopper' })).toBe('gpu');
    expect(adapterFamily({ ...info, isFallbackAdapter: true })).toBe('software');
  });
});

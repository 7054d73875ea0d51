import { FUSIONS } from '../src/join/fusion.ts';
import { expect, test } from './gpu.ts';
import { install, OUTPUT } from './in_page.ts';

test('warmUp measures plans: the same bits, a profile that can be kept, progress, and a signal that ends it', async ({
  gpu,
}) => {
  await install(gpu);
  const found = await gpu.evaluate(async () => {
    const { make, outcome, feeds, InferenceSession, parseProfile, requestDevice } = exact8;
    const { smallQOperatorModel } = (await import(
      '/tests/helpers/small_onnx.ts' as string
    )) as typeof import('../tests/helpers/small_onnx.ts');
    const device = await requestDevice();
    const session = await make(device);
    const run = () => outcome(() => session.run(feeds));
    const before = await run();
    const usual = session.plan;
    const abort = new AbortController();
    const aborted = await session
      .warmUp({ measure: true, signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) })
      .then(String, (error: Error) => error.message);
    const same = session.plan === usual && (await run()) === before;

    const progress: unknown[] = [];
    // results under way are not disturbed
    const measuring = session.warmUp({ measure: true, onProgress: (one) => progress.push(one) });
    const meanwhile = await run();
    const profile = parseProfile(JSON.parse(JSON.stringify(await measuring)));
    const again = await InferenceSession.create(smallQOperatorModel(), { device, profile });
    const dispatches = ({ plan }: typeof session): string =>
      JSON.stringify(plan.steps.map(({ kernel, overrides, workgroups }) => [kernel, overrides, workgroups]));
    const odd = await outcome(() => session.warmUp({ measure: true, odd: 1 } as never) as never);
    return {
      outputs: [before, meanwhile, await run(), await outcome(() => again.run(feeds))],
      same,
      aborted,
      progress: progress.length,
      plans: [dispatches(session), dispatches(again)],
      fusions: [profile.fusion, session.plan.fusion, again.plan.fusion],
      odd,
    };
  });
  expect(found.outputs[0]).toMatch(OUTPUT);
  expect(new Set(found.outputs).size).toBe(1);
  expect(found.aborted).toBe('enough');
  expect(found.same).toBe(true);
  // as the profile has it, joined in each other way, and by the usual kernels
  expect(found.progress).toBe(FUSIONS.length + 1);
  expect(found.plans[1]).toBe(found.plans[0]);
  expect(new Set(found.fusions).size).toBe(1);
  expect(found.odd).toMatch(
    /InvalidInputError: there is no option 'odd'; supported: signal, onProgress, measure, shapes/,
  );
});

import { showCase } from './views/case.ts';
import { byId } from './dom.ts';
import { describeDevice, openDevice } from './gpu.ts';
import { Lab } from './lab.ts';
import { showClasses } from './views/classes.ts';
import { bindInputs, showInputs } from './views/inputs.ts';
import { showLayers } from './views/layers.ts';
import type { LabState } from './state.ts';
import { showError } from './views/error.ts';
import { showProgress } from './views/progress.ts';
import { bindTuning, showTuning } from './views/tuning.ts';
import { showVerdict } from './views/verdict.ts';

async function start(): Promise<void> {
  const device = await openDevice();
  byId('adapter').textContent = `Adapter: ${describeDevice(device)}`;
  const wanted = new URLSearchParams(location.search).get('case');
  if (wanted !== null) {
    byId('tagline').textContent = 'One operator, computed on your GPU and by the host reference.';
    await showCase(byId('case'), wanted, device);
    return;
  }
  const lab = new Lab(device);
  bindInputs(lab);
  bindTuning(lab);
  const showErrors = (state: LabState): void => showError(state, () => lab.tryAgain());
  const views = [showInputs, showProgress, showErrors, showVerdict, showClasses, showTuning, showLayers];
  for (const view of views) lab.store.show(view);
  byId('lab').hidden = false;
}

start().catch((error: unknown) => showError({ error }));

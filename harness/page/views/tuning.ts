import { heatMap } from '../../tune/heat_map.ts';
import { refusals, type Tuned } from '../../tune/tuned.ts';
import type { TuningFile } from '../../tune/file.ts';
import { byId, element, fill, markup } from '../dom.ts';
import type { Lab } from '../lab.ts';
import type { LabState, LabTuning } from '../state.ts';

export function bindTuning(lab: Lab): void {
  byId('tune').addEventListener('click', () => lab.tune());
  byId('stop-tuning').addEventListener('click', () => lab.stopTuning());
  byId('forget-tuning').addEventListener('click', () => lab.forgetTuning());
}

/** What is drawn; it is drawn anew where it is another one. */
let drawn: Tuned | undefined;

/** Which profile computes, how far a tuning is, and what it measured. */
export function showTuning({ tuning }: LabState): void {
  const { file, problem, progress } = tuning ?? {};
  fill(
    byId('tuning-state'),
    problem !== undefined ? element('p', { class: 'problem' }, problem) : undefined,
    element('p', {}, progress ? 'Every kernel variant is proved, and then timed. ' : describe(file)),
    progress && element('progress', { max: progress.of, value: progress.done, 'aria-label': 'Tuning' }),
    progress && element('p', { class: 'hint' }, `${progress.done + 1} of ${progress.of}: ${progress.what}`),
    file && refused(file),
  );
  show('tune', !progress && !file?.complete);
  byId('tune').textContent = file && !file.complete ? 'Go on tuning' : 'Tune for this GPU';
  show('stop-tuning', progress !== undefined);
  show('forget-tuning', !progress && (file !== undefined || problem !== undefined));
  offer(progress ? undefined : file);
  if (drawn === file) return;
  drawn = file;
  fill(byId('heat-map'), file && markup(heatMap(file)));
}

function describe(file: TuningFile | undefined): string {
  if (!file)
    return (
      'The kernels that compute are the ones that are usually fast on adapters of this kind. Tuning tries all others ' +
      'on yours, which takes a few minutes; the results stay equal, and the fastest are kept for this model.'
    );
  const { date, runtime, complete, latencyMs, profile, layers, blocks } = file;
  const when = `${date.slice(0, 10)}, ${runtime}`;
  if (!complete || !latencyMs)
    return `Tuned in part (${when}): ${layers.length} geometries of layers and ${blocks.length} of blocks.`;
  const { untuned, tuned } = latencyMs;
  const ms = `${untuned.toFixed(1)} ms untuned, ${tuned.toFixed(1)} ms tuned`;
  return profile.name.startsWith('tuned')
    ? `Tuned (${when}): ${ms} an inference.`
    : `Tuned (${when}): ${ms}, so the kernels that are usually fast are kept.`;
}

function refused(file: TuningFile): HTMLElement | undefined {
  const lines = refusals(file);
  if (lines.length === 0) return undefined;
  return element(
    'ul',
    { class: 'problem', 'aria-label': 'Refused' },
    ...lines.map((line) => element('li', {}, `Refused: ${line}`)),
  );
}

/** The profile as a file, for `InferenceSession.create(model, { profile })`. */
function offer(file: LabTuning['file']): void {
  const link = byId<HTMLAnchorElement>('save-profile');
  if (link.href.startsWith('blob:')) URL.revokeObjectURL(link.href);
  link.removeAttribute('href');
  link.hidden = !file;
  if (!file) return;
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file.profile, undefined, 2)], { type: 'application/json' }));
}

function show(id: string, shown: boolean): void {
  byId(id).hidden = !shown;
}

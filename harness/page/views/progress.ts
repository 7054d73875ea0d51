import { byId, element, fill } from '../dom.ts';
import { PHASES, type LabState } from '../state.ts';

/** Where the work stands; where there is none, what is missing. */
export function showProgress({ phase, picture, recipe, model, error, classes }: LabState): void {
  const place = byId('progress');
  if (phase) fill(place, steps(PHASES.indexOf(phase)));
  else if (error !== undefined || classes) fill(place);
  else if (!picture) fill(place, element('p', { class: 'hint' }, 'Choose a picture, and the classes appear here.'));
  else if (!recipe)
    fill(
      place,
      element(
        'p',
        { class: 'hint' },
        `How pictures are prepared for ${model.name} is not known: choose its picture recipe.`,
      ),
    );
  else fill(place);
}

function steps(current: number): HTMLElement {
  const items = PHASES.map((name, i) =>
    element('li', { 'aria-current': i === current && 'step', class: i < current ? 'done' : undefined }, name),
  );
  return element('ol', { class: 'phases' }, ...items);
}

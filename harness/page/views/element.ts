import { Exact8Error } from '../../../src/errors.ts';
import type { ElementAnalysis } from '../../explain/element.ts';
import { elementParts } from '../../report/element_section.ts';
import { element, fill, markup } from '../dom.ts';

/** A button that takes the first mismatch apart, as `exact8 explain --at` does, and shows it in its own place. */
export function elementOpener(analyze: () => ElementAnalysis): HTMLElement {
  const place = element('div', { class: 'element' });
  const open = (): void => {
    try {
      const sides = '“theirs” is what was computed here, “reference” what it was compared with.';
      fill(place, element('p', { class: 'hint' }, sides), markup(elementParts(analyze())));
    } catch (error) {
      // operators that only move values have no arithmetic to show
      if (!(error instanceof Exact8Error)) throw error;
      fill(place, element('p', { class: 'hint' }, error.message));
    }
    place.focus();
  };
  place.tabIndex = -1;
  place.append(element('button', { type: 'button', click: open }, 'Take this element apart'));
  return place;
}

import { verdict } from '../../report/format.ts';
import { byId, element, fill } from '../dom.ts';
import type { LabState } from '../state.ts';

/** Is every element of every tensor the same? */
export function showVerdict({ verification, against, plan }: LabState): void {
  if (!verification || !against || !plan) return fill(byId('verdict'));
  const { comparison, unsteady, onlyOutputs } = verification;
  const equal = comparison.mismatches === 0 && !unsteady;
  fill(
    byId('verdict'),
    element('h2', { class: 'verdict', 'data-equal': equal ? 'yes' : 'no' }, verdict(comparison, against)),
    unsteady && element('p', {}, `Run ${unsteady.run} gives another ${unsteady.tensor} than the first.`),
    onlyOutputs && element('p', {}, `Compared the final outputs only: ${onlyOutputs}.`),
    element('p', { class: 'hint' }, `${comparison.tensors.length} tensors, engine ${plan.engine.name}`),
  );
}

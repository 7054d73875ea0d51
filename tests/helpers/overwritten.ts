import { tensorsRead } from '../../src/kernels/step.ts';
import type { Plan } from '../../src/plan/plan.ts';

/** Runs the plan's steps over tensor names instead of bytes, and finds what reads memory that was overwritten. */
export function overwritten(plan: Plan): string[] {
  const holds = new Map<number, string>();
  const root = (name: string): string => plan.views.get(name) ?? name;
  const wrong: string[] = [];
  for (const input of plan.graph.inputs) holds.set(plan.bufferOf.get(input.name)!, input.name);
  const read = (name: string, by: string): void => {
    if (holds.get(plan.bufferOf.get(name)!) !== root(name)) wrong.push(`${by} reads ${name}`);
  };
  for (const step of plan.steps) {
    for (const tensor of tensorsRead(step)) read(tensor, step.node);
    const output = plan.bufferOf.get(step.output)!;
    if (tensorsRead(step).some((tensor) => plan.bufferOf.get(tensor) === output))
      wrong.push(`${step.node} writes over its operand`);
    holds.set(output, step.output);
  }
  for (const output of plan.graph.outputs) read(output, 'the caller');
  return wrong;
}

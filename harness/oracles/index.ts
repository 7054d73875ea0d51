/**
 * The engines of others that can be run here, by the names that exact8's engines of the same bits have: what `--against`
 * takes. One line each.
 */
const ORACLES = {
  onnxruntime: () => import('./onnxruntime_web.ts'),
};

export type OracleName = keyof typeof ORACLES;

export const ORACLE_NAMES = Object.keys(ORACLES) as readonly OracleName[];

/** The oracle for an engine; undefined where there is none. */
export async function oracleFor(
  engine: string,
): Promise<(typeof import('./onnxruntime_web.ts'))['runOnnxruntimeWeb'] | undefined> {
  const name = ORACLE_NAMES.find((one) => one === engine);
  return name && (await ORACLES[name]()).runOnnxruntimeWeb;
}

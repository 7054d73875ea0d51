/** Writes the default model: `npx tsx models/tools/build.ts [OUT.onnx]` */
import { writeFile } from 'node:fs/promises';
import { defaultModel } from '../index.ts';

const [out = 'nsfwjs_mobilenet_v2_int8.onnx'] = process.argv.slice(2);
const model = await defaultModel();
await writeFile(out, model);
console.log(`${out}: ${model.length} bytes`);

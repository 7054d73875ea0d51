import type { Graph } from '../../graph/graph.ts';
import { openArchive, readCheckpoint } from './checkpoint.ts';
import { ARCHITECTURES } from './architectures.ts';
import { Network } from './network.ts';
import { isScript, readScript } from './script/index.ts';
import { StateDict } from './state_dict.ts';

/**
 * Reads a quantized network that torch.jit.save wrote, or a file that torch.save wrote (.pth, .pt; zip or legacy format)
 * with the state_dict of one of torchvision's quantized networks, of any width and number of classes.
 *
 * @throws InvalidModelError where the file is damaged or its pickle asks for more than tensors,
 *   UnsupportedModelError where it holds another network
 */
export function readTorch(bytes: Uint8Array): Graph {
  const archive = openArchive(bytes);
  if (archive && isScript(archive)) return readScript(archive);
  const dict = new StateDict(readCheckpoint(archive ?? bytes));
  const found = ARCHITECTURES.find(({ key }) => dict.has(key)) ?? dict.refuse();
  const network = new Network(dict);
  return network.finish(found.name, found.build(network), found.size);
}

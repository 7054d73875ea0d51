/** What makes a file that opens, of any network. */
export const HOW_TO =
  'quantize the network (torch.ao.quantization), then torch.jit.save(torch.jit.trace(model, example), file)';

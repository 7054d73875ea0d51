import { requestDevice } from '../src/gpu/device.ts';

let device: Promise<GPUDevice> | undefined;

/** In a page that tests share: the device that they share too, so that a pipeline is compiled once, which takes most of the time. */
export const keptDevice = (): Promise<GPUDevice> => (device ??= requestDevice());

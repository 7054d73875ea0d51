import type { Comparison } from '../compare/compare.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import type { FeatureMaps } from './feature_maps.ts';

/** A class and how likely the model holds it to be. */
export interface ReportClass {
  readonly label: string;
  /** 0 to 1. */
  readonly probability: number;
}

export interface ReportPicture {
  readonly name: string;
  /** Of `bytes`: image/jpeg, image/png. */
  readonly mediaType: string;
  /** The file as it was given. */
  readonly bytes: Uint8Array;
  /** What the network is fed, for people: see tensorPicture. */
  readonly seen?: Picture;
  /** The most probable first. */
  readonly classes: readonly ReportClass[];
  /** The first channels of a few layers. */
  readonly features?: readonly FeatureMaps[];
}

/** Everything that a report shows. Names come from models and files, and are not trusted. */
export interface ReportData {
  readonly model: {
    readonly name: string;
    readonly description?: string;
    /** SHA-256 of the file. */
    readonly hash: string;
  };
  readonly engine: string;
  /** The engine that the tensors were compared with. */
  readonly against: string;
  readonly adapter: string;
  /** How often each picture was run; all runs are alike. */
  readonly runs: number;
  readonly pictures: readonly ReportPicture[];
  /** A row a tensor, all pictures together. */
  readonly comparison: Comparison;
  /** The form that was proved for a tensor's requantization, by the tensor's name. */
  readonly forms?: Readonly<Record<string, string>>;
}
